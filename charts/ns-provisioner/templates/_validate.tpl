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
{{- include "ns-provisioner.validateCatalogue" . }}
{{- include "ns-provisioner.validateAlone" . }}
{{- end }}

{{/* Rules take accounts that the catalogue does not name for tenants', and our own namespace for a tenant's, too. */}}
{{- define "ns-provisioner.validateCatalogue" -}}
{{- $facts := include "ns-provisioner.facts" . | fromJson }}
{{- $namespace := .Release.Namespace }}
{{- $advice := "\nThe catalogue is wrong for the namespace of this release: the rules would refuse what our own processes do.\nAdd to its policy:" }}
{{- if not (has $namespace $facts.exemptNames) }}
{{- fail (printf "\n\ncatalogue: policy.exemptNames does not name %s.%s exemptNames: [%s]" $namespace $advice $namespace) }}
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
{{- $there := lookup "admissionregistration.k8s.io/v1" "ValidatingWebhookConfiguration" "" "ns-provisioner" }}
{{- if $there }}
{{- $by := $there.metadata.annotations | default dict }}
{{- $name := get $by "meta.helm.sh/release-name" }}{{ $namespace := get $by "meta.helm.sh/release-namespace" }}
{{- if not $name }}
{{- fail "\n\nns-provisioner is registered in this cluster already, without Helm.\nTake that away first: kubectl delete mutatingwebhookconfiguration,validatingwebhookconfiguration ns-provisioner" }}
{{- end }}
{{- if or (ne $name .Release.Name) (ne $namespace .Release.Namespace) }}
{{- fail (printf "\n\nns-provisioner is installed in this cluster already, as release %s in namespace %s: there can be one.\nUpgrade that one, or uninstall it first: helm uninstall %s -n %s" $name $namespace $name $namespace) }}
{{- end }}
{{- end }}
{{- end }}
