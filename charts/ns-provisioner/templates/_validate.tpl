{{/* What does not go together is refused here, with the way out. */}}
{{- define "ns-provisioner.validate" -}}
{{- $tls := .Values.tls }}
{{- if eq $tls.source "secret" }}
{{- if or (not $tls.secretName) (not $tls.caBundle) }}
{{- fail "\n\ntls.source is \"secret\": give the Secret with tls.secretName, and who signed its certificate with --set-file tls.caBundle=ca.crt" }}
{{- end }}
{{- if not (contains "-----BEGIN CERTIFICATE-----" $tls.caBundle) }}
{{- fail "\n\ntls.caBundle holds no certificate in PEM form: give the text of the file with --set-file tls.caBundle=ca.crt, not its name and not base64" }}
{{- end }}
{{- else if or $tls.secretName $tls.caBundle }}
{{- fail (printf "\n\ntls.secretName and tls.caBundle are for tls.source \"secret\", and it is %q: leave them out, or set tls.source=secret" $tls.source) }}
{{- end }}
{{- if and $tls.certManager.issuerRef (ne $tls.source "cert-manager") }}
{{- fail (printf "\n\ntls.certManager.issuerRef is for tls.source \"cert-manager\", and it is %q: leave it out, or set tls.source=cert-manager" $tls.source) }}
{{- end }}
{{- if and $tls.certManager.issuerRef (not $tls.certManager.issuerRef.name) }}
{{- fail "\n\ntls.certManager.issuerRef has no name: give {kind: Issuer or ClusterIssuer, name: ...}" }}
{{- end }}
{{- $minutes := dict }}
{{- range $name := list "duration" "renewBefore" "caDuration" }}
{{- $text := get $tls.certManager $name }}
{{- $_ := set $minutes $name (mul (trimSuffix "m" (trimSuffix "h" $text)) (hasSuffix "h" $text | ternary 60 1)) }}
{{- end }}
{{- if lt (int $minutes.duration) 60 }}
{{- fail (printf "\n\ntls.certManager.duration is %s, and cert-manager issues nothing below 1h" $tls.certManager.duration) }}
{{- end }}
{{- range $name := list "duration" "caDuration" }}
{{- if ge (int $minutes.renewBefore) (int (get $minutes $name)) }}
{{- fail (printf "\n\ntls.certManager.renewBefore is %s, not less than %s, which is %s: it would be renewed without end" $tls.certManager.renewBefore $name (get $tls.certManager $name)) }}
{{- end }}
{{- end }}
{{- if and $tls.clientCA.subjects (not $tls.clientCA.secretName) }}
{{- fail "\n\ntls.clientCA.subjects says whose certificates are taken, and tls.clientCA.secretName is missing, without which nobody is asked for one" }}
{{- end }}
{{- if and .Values.api.enabled (not .Values.api.tokensSecretName) }}
{{- fail "\n\napi.enabled is true and api.tokensSecretName is missing: without tokens the API answers nobody.\nMake a Secret with the key `tokens`, and name it" }}
{{- end }}
{{- $scaling := .Values.admission.autoscaling }}
{{- if and $scaling.enabled (lt (int $scaling.maxReplicas) (int .Values.admission.replicas)) }}
{{- fail (printf "\n\nadmission.autoscaling.maxReplicas is %d, less than admission.replicas, which is the least: %d" (int $scaling.maxReplicas) (int .Values.admission.replicas)) }}
{{- end }}
{{- range $component := list "admission" "controller" "api" }}
{{- include "ns-provisioner.validateExtras" (dict "component" $component "values" (get $.Values $component)) }}
{{- end }}
{{- include "ns-provisioner.validateCatalogue" . }}
{{- include "ns-provisioner.validateAlone" . }}
{{- end }}

{{/* What people add may not change what the rest of the chart relies on: the last of two flags would win. */}}
{{- define "ns-provisioner.validateExtras" -}}
{{- range .values.extraArgs }}
{{- if not (regexMatch "^--(drain-quiet|log-allowed-every)=" .) }}
{{- fail (printf "\n\n%s.extraArgs: %q is not one that can be added: allowed are --drain-quiet=SECONDS and --log-allowed-every=NUMBER.\nThe chart sets all others itself" $.component .) }}
{{- end }}
{{- end }}
{{- range .values.extraEnv }}
{{- if or (hasPrefix "NSP_" .name) (eq .name "KUBECONFIG") }}
{{- fail (printf "\n\n%s.extraEnv: %s is a setting of ours, and the chart makes them: use its values" $.component .name) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Rules take accounts that the catalogue does not name for tenants', and our own namespace for a tenant's, too. */}}
{{- define "ns-provisioner.validateCatalogue" -}}
{{- $facts := include "ns-provisioner.facts" . | fromJson }}
{{- $namespace := .Release.Namespace }}
{{- $advice := "\nThe catalogue is wrong for the namespace of this release: the rules would refuse what our own processes do.\nAdd to its policy:" }}
{{- if not (has $namespace $facts.exemptNames) }}
{{- fail (printf "\n\ncatalogue: policy.exemptNames does not name %s.%s exemptNames: [%q]" $namespace $advice $namespace) }}
{{- end }}
{{- $roles := dict "controllers" "controller" }}
{{- if .Values.api.enabled }}{{ $_ := set $roles "requesters" "api" }}{{ end }}
{{- range $list, $role := $roles }}
{{- $user := printf "system:serviceaccount:%s:ns-provisioner-%s" $namespace $role }}
{{- if not (has $user (get $facts $list)) }}
{{- fail (printf "\n\ncatalogue: policy.%s does not name %s.%s %s: [%q]" $list $user $advice $list $user) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Two installations would fight over every namespace. */}}
{{- define "ns-provisioner.validateAlone" -}}
{{- $hook := lookup "admissionregistration.k8s.io/v1" "ValidatingWebhookConfiguration" "" "ns-provisioner" }}
{{- $there := $hook | default (lookup "rbac.authorization.k8s.io/v1" "ClusterRole" "" "ns-provisioner-controller") }}
{{- if $there }}
{{- $by := $there.metadata.annotations | default dict }}
{{- $name := get $by "meta.helm.sh/release-name" }}{{ $namespace := get $by "meta.helm.sh/release-namespace" }}
{{- if not $name }}
{{- fail "\n\nns-provisioner is in this cluster already, and was not installed by Helm.\nTake that away first: kubectl delete mutatingwebhookconfiguration,validatingwebhookconfiguration ns-provisioner --ignore-not-found, and nsp rbac | kubectl delete -f -" }}
{{- end }}
{{- if or (ne $name .Release.Name) (ne $namespace .Release.Namespace) }}
{{- fail (printf "\n\nns-provisioner is installed in this cluster already, as release %s in namespace %s: there can be one.\nUpgrade that one, or uninstall it first: helm uninstall %s -n %s" $name $namespace $name $namespace) }}
{{- end }}
{{- end }}
{{- end }}
