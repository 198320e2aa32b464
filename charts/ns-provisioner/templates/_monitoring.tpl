{{/* Metadata with labels and annotations of the user's: (dict "root" $ "labels" (dict) "annotations" (dict)). */}}
{{- define "ns-provisioner.monitoringMetadata" -}}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- merge (include "ns-provisioner.labels" (dict "root" .root) | fromYaml) .labels | toYaml | nindent 2 }}
{{- with merge (dict) .annotations .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
