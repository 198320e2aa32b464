{{/*
A pair for trials, as JSON: the one that is there, or one made now. Templates are run one by one, so it is kept
beside the values for the next that asks.
*/}}
{{- define "ns-provisioner.selfSigned" -}}
{{- if not (hasKey .Values.tls "made") }}
{{- $there := lookup "v1" "Secret" .Release.Namespace "ns-provisioner-selfsigned" }}
{{- $data := ($there | default dict).data | default dict }}
{{- if and (hasKey $data "ca.crt") (hasKey $data "tls.crt") (hasKey $data "tls.key") }}
{{- $pair := dict "ca" (get $data "ca.crt" | b64dec) "certificate" (get $data "tls.crt" | b64dec) "key" (get $data "tls.key" | b64dec) }}
{{- $_ := set .Values.tls "made" $pair }}
{{- else }}
{{- $hosts := include "ns-provisioner.hosts" . | fromJsonArray }}
{{- $ca := genCAWithKey "ns-provisioner trial CA" 3650 (genPrivateKey "ecdsa") }}
{{- $leaf := genSignedCertWithKey "ns-provisioner-admission" nil $hosts 3650 $ca (genPrivateKey "ecdsa") }}
{{- $_ := set .Values.tls "made" (dict "ca" $ca.Cert "certificate" $leaf.Cert "key" $leaf.Key) }}
{{- end }}
{{- end }}
{{- .Values.tls.made | toJson }}
{{- end }}
