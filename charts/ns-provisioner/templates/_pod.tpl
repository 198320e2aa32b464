{{/*
What the pods of all components have in common.
(dict "root" $ "component" "admission" "values" .Values.admission "args" list "volumes" list "ports" list "account" true)
*/}}
{{- define "ns-provisioner.deployment" -}}
{{- $root := .root }}{{ $values := .values }}{{ $name := printf "ns-provisioner-%s" .component }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  {{- include "ns-provisioner.metadata" (dict "root" $root "component" .component "annotations" $values.annotations) | nindent 2 }}
spec:
  {{- $replicas := $values.replicas }}
  {{- if .scaled }}
  {{- /* Whoever scales it has changed the number: it stays. Left out, the API server would make it 1. */}}
  {{- $live := lookup "apps/v1" "Deployment" $root.Release.Namespace $name }}
  {{- $replicas = max $replicas (($live | default dict).spec | default dict).replicas }}
  {{- end }}
  replicas: {{ $replicas }}
  revisionHistoryLimit: 3
  strategy:
    rollingUpdate:
      maxSurge: 1
      maxUnavailable: 0
  selector:
    matchLabels:
      {{- include "ns-provisioner.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- merge (include "ns-provisioner.labels" . | fromYaml) $values.podLabels | toYaml | nindent 8 }}
      annotations:
        {{- merge (dict) $values.podAnnotations (dict "kubectl.kubernetes.io/default-container" .component) | toYaml | nindent 8 }}
    spec:
      serviceAccountName: {{ $name }}
      # The token, where there is one, is a volume of its own below: short-lived, and for us alone.
      automountServiceAccountToken: false
      enableServiceLinks: false
      {{- with $values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      # Longer than the pair drains (25 s).
      terminationGracePeriodSeconds: 40
      securityContext:
        {{- include "ns-provisioner.podSecurityContext" . | nindent 8 }}
      {{- with $root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .component }}
          image: {{ include "ns-provisioner.image" $root }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args:
            {{- concat (list "serve" (printf "--role=%s" .component)) .args $values.extraArgs | toYaml | nindent 12 }}
          env:
            - name: NSP_CATALOGUE
              value: /etc/ns-provisioner/catalogue/catalogue.yaml
            {{- with $values.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            {{- append .ports (dict "name" "health" "containerPort" 8081 "protocol" "TCP") | toYaml | nindent 12 }}
          # Begins as soon as it listens; the side port is there from the first moment.
          startupProbe:
            httpGet: {path: /livez, port: health}
            periodSeconds: 1
            failureThreshold: 60
          livenessProbe:
            httpGet: {path: /livez, port: health}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            httpGet: {path: /readyz, port: health}
            periodSeconds: 2
            timeoutSeconds: 2
            failureThreshold: 2
          securityContext:
            {{- include "ns-provisioner.containerSecurityContext" . | nindent 12 }}
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          volumeMounts:
            - name: catalogue
              mountPath: /etc/ns-provisioner/catalogue
              readOnly: true
            {{- range .volumes }}
            - name: {{ .name }}
              mountPath: /etc/ns-provisioner/{{ .name }}
              readOnly: true
            {{- end }}
            {{- if .account }}
            - name: account
              mountPath: /var/run/secrets/kubernetes.io/serviceaccount
              readOnly: true
            {{- end }}
      volumes:
        - name: catalogue
          configMap:
            name: ns-provisioner-catalogue
        {{- range .volumes }}
        - name: {{ .name }}
          secret:
            secretName: {{ .secretName }}
            # Readable for the group 65532 alone.
            defaultMode: 0440
            {{- with .items }}
            items:
              {{- toYaml . | nindent 14 }}
            {{- end }}
        {{- end }}
        {{- if .account }}
        - name: account
          projected:
            defaultMode: 0440
            sources:
              - serviceAccountToken: {path: token, expirationSeconds: 3600}
              - configMap:
                  name: kube-root-ca.crt
                  items: [{key: ca.crt, path: ca.crt}]
              - downwardAPI:
                  items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]
        {{- end }}
      {{- with $values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      affinity:
        {{- if $values.affinity }}
        {{- toYaml $values.affinity | nindent 8 }}
        {{- else }}
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 100
              podAffinityTerm:
                topologyKey: kubernetes.io/hostname
                labelSelector:
                  matchLabels:
                    {{- include "ns-provisioner.selectorLabels" . | nindent 20 }}
        {{- end }}
      topologySpreadConstraints:
        {{- if $values.topologySpreadConstraints }}
        {{- toYaml $values.topologySpreadConstraints | nindent 8 }}
        {{- else }}
        {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
        - topologyKey: {{ . }}
          maxSkew: 1
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "ns-provisioner.selectorLabels" $ | nindent 14 }}
        {{- end }}
        {{- end }}
{{- end }}

{{/* The account, the disruption budget and the metrics Service of a component: the same arguments. */}}
{{- define "ns-provisioner.companions" -}}
{{- $root := .root }}{{ $values := .values }}{{ $name := printf "ns-provisioner-%s" .component }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  {{- include "ns-provisioner.metadata" (omit . "annotations") | nindent 2 }}
automountServiceAccountToken: false
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}-metrics
  namespace: {{ $root.Release.Namespace }}
  {{- include "ns-provisioner.metadata" (omit . "annotations") | nindent 2 }}
spec:
  # Every pod is asked by itself, ready or not.
  clusterIP: None
  publishNotReadyAddresses: true
  selector:
    {{- include "ns-provisioner.selectorLabels" . | nindent 4 }}
  ports:
    - name: health
      port: 8081
      targetPort: health
{{- if and $values.podDisruptionBudget.enabled (or .scaled (gt (int $values.replicas) 1)) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $name }}
  namespace: {{ $root.Release.Namespace }}
  {{- include "ns-provisioner.metadata" (omit . "annotations") | nindent 2 }}
spec:
  maxUnavailable: {{ $values.podDisruptionBudget.maxUnavailable }}
  # A pod that does not serve may go whatever the budget says.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "ns-provisioner.selectorLabels" . | nindent 6 }}
{{- end }}
{{- end }}
