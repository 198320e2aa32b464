{{/*
What the tier catalogue says to registration, policies and rights. The same as `webhook.core.catalogue` and
`webhook.core.tiers` read out of it; tests/chart compares. What would be read
differently here is refused. Whatever else is wrong, the processes say, and `nsp catalogue lint` before an install.
*/}}

{{/* The text of the catalogue, the user's or the built-in one. */}}
{{- define "ns-provisioner.catalogueText" -}}
{{- .Values.catalogue | default (tpl (.Files.Get "files/catalogue.yaml") .) }}
{{- end }}

{{- define "ns-provisioner.catalogue" -}}
{{- $document := include "ns-provisioner.catalogueText" . | fromYaml }}
{{- if hasKey $document "Error" }}
{{- fail (printf "\n\ncatalogue: it is not YAML: %s\nCheck it with: nsp catalogue lint FILE" $document.Error) }}
{{- end }}
{{- if or (ne (toString $document.apiVersion) "ns-provisioner.io/v1alpha1") (ne (toString $document.kind) "TierCatalogue") }}
{{- fail "\n\ncatalogue: it is no tier catalogue of apiVersion ns-provisioner.io/v1alpha1.\nGive the text of the file, not its name: --set-file catalogue=FILE" }}
{{- end }}
{{- if regexMatch "(?m)(^|[\\s{,-])<<\\s*:" (include "ns-provisioner.catalogueText" .) }}
{{- fail "\n\ncatalogue: merge keys (<<) mean different things to different programs: write out what they stand for" }}
{{- end }}
{{- range list "policy" "tiers" }}
{{- if not (kindIs "map" (get $document .)) }}
{{- fail (printf "\n\ncatalogue: %s is missing, or no mapping.\nCheck it with: nsp catalogue lint FILE" .) }}
{{- end }}
{{- end }}
{{- $document | toJson }}
{{- end }}

{{/* One tier with what it inherits of the keys that matter here, as JSON: (dict "tiers" .. "name" .. "defaults" ..). */}}
{{- define "ns-provisioner.tier" -}}
{{- $tier := dict }}
{{- $body := get .tiers .name }}
{{- if not (kindIs "map" $body) }}
{{- fail (printf "\n\ncatalogue: tiers.%s is no mapping, or is extended and not there.\nCheck it with: nsp catalogue lint FILE" .name) }}
{{- end }}
{{- $depth := .depth | default 0 | int }}
{{- if gt $depth 50 }}
{{- fail (printf "\n\ncatalogue: tiers.%s extends itself.\nCheck it with: nsp catalogue lint FILE" .name) }}
{{- end }}
{{- if $body.extends }}
{{- $tier = include "ns-provisioner.tier" (dict "tiers" .tiers "name" (toString $body.extends) "defaults" .defaults "depth" (add1 $depth)) | fromJson }}
{{- else if hasKey .defaults "deletionProtection" }}
{{- $_ := set $tier "deletionProtection" .defaults.deletionProtection }}
{{- end }}
{{- range $key := list "deletionProtection" "networkPolicies" "extraManifests" }}
{{- if hasKey $body $key }}
{{- $_ := set $tier $key (get $body $key) }}
{{- if kindIs "invalid" (get $body $key) }}{{ $_ := unset $tier $key }}{{ end }}
{{- end }}
{{- end }}
{{- if hasKey $body "podSecurity" }}
{{- if kindIs "map" $body.podSecurity }}
{{- $levels := deepCopy ($tier.podSecurity | default dict) }}
{{- range $mode, $level := $body.podSecurity }}
{{- if kindIs "invalid" $level }}{{ $_ := unset $levels $mode }}{{ else }}{{ $_ := set $levels $mode $level }}{{ end }}
{{- end }}
{{- $_ := set $tier "podSecurity" $levels }}
{{- else }}
{{- $_ := unset $tier "podSecurity" }}
{{- end }}
{{- end }}
{{- $tier | toJson }}
{{- end }}

{{/* A list of the policy, sorted: (dict "policy" .. "key" .. "default" ..). Bare numbers would become other names. */}}
{{- define "ns-provisioner.names" -}}
{{- $found := hasKey .policy .key | ternary (get .policy .key) .default }}
{{- if not (kindIs "slice" $found) }}
{{- fail (printf "\n\ncatalogue: policy.%s is no list.\nCheck it with: nsp catalogue lint FILE" .key) }}
{{- end }}
{{- range $found }}
{{- if not (kindIs "string" .) }}
{{- fail (printf "\n\ncatalogue: policy.%s holds %v, which is no text: put it in quotes" $.key .) }}
{{- end }}
{{- end }}
{{- $found | uniq | sortAlpha | toJson }}
{{- end }}

{{/* A flag of a tier or a section: (dict "where" .. "value" ..); absent is false. */}}
{{- define "ns-provisioner.flag" -}}
{{- if not (or (kindIs "bool" .value) (kindIs "invalid" .value)) }}
{{- fail (printf "\n\ncatalogue: %s is %v, and neither true nor false" .where .value) }}
{{- end }}
{{- if .value }}true{{ end }}
{{- end }}

{{/* The facts that files/admission.yaml and files/rights.yaml speak of, as JSON. */}}
{{- define "ns-provisioner.facts" -}}
{{- $catalogue := include "ns-provisioner.catalogue" . | fromJson }}
{{- $policy := $catalogue.policy }}
{{- $ranks := dict "privileged" 0 "baseline" 1 "restricted" 2 }}
{{- $floors := dict }}{{ $protected := list }}{{ $kinds := dict }}{{ $bound := list "edit" }}
{{- range $name, $body := $catalogue.tiers }}
{{- $tier := include "ns-provisioner.tier" (dict "tiers" $catalogue.tiers "name" $name "defaults" ($catalogue.defaults | default dict)) | fromJson }}
{{- if not (include "ns-provisioner.flag" (dict "where" (printf "tiers.%s.abstract" $name) "value" $body.abstract)) }}
{{- $floor := dict }}
{{- range $mode, $level := $tier.podSecurity }}
{{- if not (hasKey $ranks (toString $level)) }}
{{- fail (printf "\n\ncatalogue: tiers.%s.podSecurity.%s is %v: allowed are privileged, baseline, restricted" $name $mode $level) }}
{{- end }}
{{- $_ := set $floor $mode (get $ranks $level) }}
{{- end }}
{{- $_ := set $floors $name $floor }}
{{- $where := printf "tiers.%s.deletionProtection" $name }}
{{- if include "ns-provisioner.flag" (dict "where" $where "value" $tier.deletionProtection) }}
{{- $protected = append $protected $name }}
{{- end }}
{{- if or (not (hasKey $tier "networkPolicies")) $tier.networkPolicies }}{{ $_ := set $kinds "NetworkPolicy" true }}{{ end }}
{{- range $tier.extraManifests }}
{{- $_ := set $kinds .kind true }}
{{- if eq .kind "RoleBinding" }}{{ $bound = append $bound (dig "roleRef" "name" "" .) }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
{{- $groups := hasKey $policy "teamGroups" | ternary $policy.teamGroups "team-{team}" }}
{{- if not (kindIs "string" $groups) }}
{{- fail (printf "\n\ncatalogue: policy.teamGroups is %v, and no text" $groups) }}
{{- end }}
{{- if not (hasKey $floors (toString $policy.defaultTier)) }}
{{- fail (printf "\n\ncatalogue: policy.defaultTier is %v, which is no tier" $policy.defaultTier) }}
{{- end }}
{{- $expiry := $catalogue.expiry | default dict }}
{{- $earnest := and (hasKey $expiry "dryRun") (not (include "ns-provisioner.flag" (dict "where" "expiry.dryRun" "value" $expiry.dryRun))) }}
{{- $parts := splitList "{team}" ($groups | default "team-{team}") }}
{{- $system := list "default" "kube-node-lease" "kube-public" "kube-system" }}
{{- dict
  "exemptNames" (include "ns-provisioner.names" (dict "policy" $policy "key" "exemptNames" "default" list) | fromJsonArray | concat $system | uniq | sortAlpha)
  "adminGroups" (include "ns-provisioner.names" (dict "policy" $policy "key" "adminGroups" "default" (list "platform-admins" "system:masters")) | fromJsonArray)
  "appliers" (include "ns-provisioner.names" (dict "policy" $policy "key" "appliers" "default" list) | fromJsonArray)
  "controllers" (include "ns-provisioner.names" (dict "policy" $policy "key" "controllers" "default" list) | fromJsonArray)
  "requesters" (include "ns-provisioner.names" (dict "policy" $policy "key" "requesters" "default" list) | fromJsonArray)
  "teamGroups" (ne $groups "")
  "teamPrefix" (first $parts)
  "teamSuffix" (last $parts)
  "floors" $floors
  "defaultFloor" (get $floors (toString $policy.defaultTier) | default dict)
  "protectedTiers" $protected
  "modes" ($policy.modes | default dict)
  "kinds" $kinds
  "bound" ($bound | uniq | sortAlpha)
  "expiry" $earnest
  | toJson }}
{{- end }}
