{{/* Names are fixed: rules, rights and documents know them, and there is one installation in a cluster. */}}

{{/* A small fixed set: selectors cannot change. Call with (dict "root" $ "component" "admission"). */}}
{{- define "ns-provisioner.selectorLabels" -}}
app.kubernetes.io/name: ns-provisioner
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- define "ns-provisioner.labels" -}}
{{- $own := include "ns-provisioner.selectorLabels" . | fromYaml }}
{{- $chart := dict
  "app.kubernetes.io/version" .root.Chart.AppVersion
  "app.kubernetes.io/managed-by" .root.Release.Service
  "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_") }}
{{- merge $own $chart .root.Values.commonLabels | toYaml }}
{{- end }}

{{/* Labels, and annotations where there are any: (dict "root" $ "component" "admission" "annotations" (dict)). */}}
{{- define "ns-provisioner.metadata" -}}
labels:
  {{- include "ns-provisioner.labels" . | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "ns-provisioner.image" -}}
{{- $image := .Values.image }}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{/* The Secret with the serving certificate. */}}
{{- define "ns-provisioner.tlsSecret" -}}
{{- if eq .Values.tls.source "secret" }}{{ .Values.tls.secretName }}
{{- else if eq .Values.tls.source "self-signed" }}ns-provisioner-selfsigned
{{- else }}ns-provisioner-tls{{ end }}
{{- end }}

{{/* The names by which the API server and people in the cluster reach the admission pair, as a JSON list. */}}
{{- define "ns-provisioner.hosts" -}}
{{- $short := printf "ns-provisioner-admission.%s" .Release.Namespace }}
{{- list (printf "%s.svc" $short) (printf "%s.svc.cluster.local" $short) $short | toJson }}
{{- end }}

{{/* The container's own part of the restricted Pod Security profile. */}}
{{- define "ns-provisioner.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "ns-provisioner.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}
