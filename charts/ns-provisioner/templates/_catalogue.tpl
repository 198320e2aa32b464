{{/*
What the tier catalogue says to registration, policies and rights. The same as `webhook.core.catalogue` and
`webhook.core.tiers` read out of it; tests/chart compares. Whatever else is wrong with a catalogue, the processes say.
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

{{/* The facts that files/admission.yaml and files/rights.yaml speak of, as JSON. */}}
{{- define "ns-provisioner.facts" -}}
{{- $catalogue := include "ns-provisioner.catalogue" . | fromJson }}
{{- $policy := $catalogue.policy }}
{{- $ranks := dict "privileged" 0 "baseline" 1 "restricted" 2 }}
{{- $floors := dict }}{{ $protected := list }}{{ $kinds := dict }}{{ $bound := list "edit" }}
{{- range $name, $body := $catalogue.tiers }}
{{- $tier := include "ns-provisioner.tier" (dict "tiers" $catalogue.tiers "name" $name "defaults" ($catalogue.defaults | default dict)) | fromJson }}
{{- if not $body.abstract }}
{{- $floor := dict }}
{{- range $mode, $level := $tier.podSecurity }}{{ $_ := set $floor $mode (get $ranks $level) }}{{ end }}
{{- $_ := set $floors $name $floor }}
{{- if $tier.deletionProtection }}{{ $protected = append $protected $name }}{{ end }}
{{- if or (not (hasKey $tier "networkPolicies")) $tier.networkPolicies }}{{ $_ := set $kinds "NetworkPolicy" true }}{{ end }}
{{- range $tier.extraManifests }}
{{- $_ := set $kinds .kind true }}
{{- if eq .kind "RoleBinding" }}{{ $bound = append $bound (dig "roleRef" "name" "" .) }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
{{- $groups := hasKey $policy "teamGroups" | ternary $policy.teamGroups "team-{team}" }}
{{- $parts := splitList "{team}" ($groups | default "team-{team}") }}
{{- $system := list "default" "kube-node-lease" "kube-public" "kube-system" }}
{{- dict
  "exemptNames" (concat $system ($policy.exemptNames | default list) | uniq | sortAlpha)
  "adminGroups" (hasKey $policy "adminGroups" | ternary $policy.adminGroups (list "platform-admins" "system:masters") | uniq | sortAlpha)
  "appliers" ($policy.appliers | default list | uniq | sortAlpha)
  "controllers" ($policy.controllers | default list | uniq | sortAlpha)
  "requesters" ($policy.requesters | default list | uniq | sortAlpha)
  "teamGroups" (ne $groups "")
  "teamPrefix" (first $parts)
  "teamSuffix" (last $parts)
  "floors" $floors
  "defaultFloor" (get $floors (toString $policy.defaultTier) | default dict)
  "protectedTiers" $protected
  "modes" ($policy.modes | default dict)
  "kinds" $kinds
  "bound" ($bound | uniq | sortAlpha)
  "expiry" (and (hasKey ($catalogue.expiry | default dict) "dryRun") (not $catalogue.expiry.dryRun))
  | toJson }}
{{- end }}
