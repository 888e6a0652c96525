{{/* What each part is; everything else about it is in its values. */}}
{{- define "holdpoint.parts" -}}
api-propose: { values: apiPropose, args: [api, --role, propose], port: http, graceSeconds: 90 }
api-review: { values: apiReview, args: [api, --role, review], port: http, graceSeconds: 90 }
gate-worker: { values: gateWorker, args: [worker, --role, gate], port: health, graceSeconds: 60 }
execute-worker: { values: executeWorker, args: [worker, --role, execute], port: health }
{{- end }}

{{- define "holdpoint.name" -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* Of { root, part }. */}}
{{- define "holdpoint.selector" -}}
app.kubernetes.io/name: holdpoint
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "holdpoint.labels" -}}
{{ include "holdpoint.selector" . }}
app.kubernetes.io/version: {{ .root.Values.image.tag | default .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* Of { root, tag }: a part's own tag, for an upgrade in steps, counts before the common image. */}}
{{- define "holdpoint.image" -}}
{{- $image := .root.Values.image -}}
{{- if .tag -}}
{{ $image.repository }}:{{ .tag }}
{{- else if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* The user of the image. Files of Secrets belong to root and are readable by this group. */}}
{{- define "holdpoint.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "holdpoint.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* Of { root, user }. */}}
{{- define "holdpoint.databaseEnv" -}}
{{- $db := .root.Values.database -}}
{{- $ca := ternary "&sslrootcert=/run/holdpoint-database-ca/ca.crt" "" (ne $db.caSecret "") -}}
- name: DATABASE_URL
  value: {{ printf "postgresql://%s@%s:%d/%s?sslmode=%s%s" .user $db.host (int $db.port) $db.name $db.sslmode $ca | quote }}
- name: DATABASE_PASSWORD_FILE
  value: /run/holdpoint-database/password
- name: HOLDPOINT_DATA_DIR
  value: /var/lib/holdpoint
- name: HOLDPOINT_LOG_LEVEL
  value: {{ .root.Values.logLevel }}
{{- if .root.Values.extraCaSecret }}
- name: NODE_EXTRA_CA_CERTS
  value: /run/holdpoint-extra-ca/ca.crt
{{- end }}
{{- end }}

{{- define "holdpoint.temporalEnv" -}}
{{- $t := .Values.temporal -}}
- name: TEMPORAL_ADDRESS
  value: {{ $t.address | quote }}
- name: TEMPORAL_NAMESPACE
  value: {{ $t.namespace | quote }}
{{- if ne $t.auth "none" }}
- name: TEMPORAL_TLS
  value: 'true'
{{- end }}
{{- if eq $t.auth "mtls" }}
- name: TEMPORAL_TLS_CLIENT_CERT_PATH
  value: /run/holdpoint-temporal/tls.crt
- name: TEMPORAL_TLS_CLIENT_KEY_PATH
  value: /run/holdpoint-temporal/tls.key
{{- else if eq $t.auth "apiKey" }}
- name: TEMPORAL_CONFIG_FILE
  value: /run/holdpoint-temporal/temporal.toml
{{- end }}
{{- if $t.serverCa }}
- name: TEMPORAL_TLS_SERVER_CA_CERT_PATH
  value: /run/holdpoint-temporal/ca.crt
{{- end }}
{{- if $t.serverName }}
- name: TEMPORAL_TLS_SERVER_NAME
  value: {{ $t.serverName | quote }}
{{- end }}
{{- if $t.uiUrl }}
- name: HOLDPOINT_TEMPORAL_UI_URL
  value: {{ $t.uiUrl | quote }}
{{- end }}
{{- end }}

{{/* Of { name, secret, path }: a Secret as a read-only directory; nothing without a secret. */}}
{{- define "holdpoint.secretMount" -}}
{{- if .secret }}
- { name: {{ .name }}, mountPath: {{ .path }}, readOnly: true }
{{- end }}
{{- end }}

{{- define "holdpoint.secretVolume" -}}
{{- if .secret }}
- name: {{ .name }}
  secret: { secretName: {{ .secret | quote }}, defaultMode: 0440 }
{{- end }}
{{- end }}

{{/* Of { root, databaseSecret }: what `migrate` and every part mount. */}}
{{- define "holdpoint.commonSecrets" -}}
{{- list
  (dict "name" "database" "secret" .databaseSecret "path" "/run/holdpoint-database")
  (dict "name" "database-ca" "secret" .root.Values.database.caSecret "path" "/run/holdpoint-database-ca")
  (dict "name" "extra-ca" "secret" .root.Values.extraCaSecret "path" "/run/holdpoint-extra-ca") | toJson -}}
{{- end }}

{{/* Of { root, part, spec }: the pod of a part, without its data volume where that is claimed. */}}
{{- define "holdpoint.pod" -}}
{{- $root := .root -}}
{{- $values := index $root.Values .spec.values -}}
{{- $isApi := eq .spec.port "http" -}}
{{- $isExecute := eq .part "execute-worker" -}}
{{- $secrets := concat
  (include "holdpoint.commonSecrets" (dict "root" $root "databaseSecret" $values.databaseSecret) | fromJsonArray)
  (list
    (dict "name" "keys" "secret" $values.keysSecret "path" "/run/holdpoint-keys")
    (dict "name" "values" "secret" $values.valuesSecret "path" "/run/holdpoint-values")
    (dict "name" "temporal" "secret" ($values.temporalSecret | default $root.Values.temporal.secret) "path" "/run/holdpoint-temporal")) -}}
metadata:
  labels: {{- include "holdpoint.labels" . | nindent 4 }}
  {{- with $values.podAnnotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "holdpoint.name" $root }}-{{ .part }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  securityContext: {{- include "holdpoint.podSecurity" . | nindent 4 }}
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  terminationGracePeriodSeconds: {{ if $isExecute }}{{ add (max 60 $values.longestCallSeconds) 30 }}{{ else }}{{ .spec.graceSeconds }}{{ end }}
  topologySpreadConstraints:
    {{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
    - maxSkew: 1
      topologyKey: {{ $key }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector: { matchLabels: {{ include "holdpoint.selector" $ | fromYaml | toJson }} }
    {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: holdpoint
      image: {{ include "holdpoint.image" (dict "root" $root "tag" $values.imageTag) | quote }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args: {{ .spec.args | toJson }}
      securityContext: {{- include "holdpoint.containerSecurity" . | nindent 8 }}
      env:
        {{- include "holdpoint.databaseEnv" (dict "root" $root "user" $values.databaseUser) | nindent 8 }}
        {{- include "holdpoint.temporalEnv" $root | nindent 8 }}
        - name: HOLDPOINT_CONFIG
          value: /etc/holdpoint/holdpoint.yaml
        - name: HOLDPOINT_KEYS_DIR
          value: /run/holdpoint-keys
        - name: HOLDPOINT_HOST
          value: 0.0.0.0
        - name: HOLDPOINT_HEALTH_PORT
          value: '8081'
        - name: HOLDPOINT_METRICS_PORT
          value: '9464'
        {{- if $isApi }}
        - name: HOLDPOINT_PORT
          value: '8080'
        {{- with $root.Values.trustProxy }}
        - name: HOLDPOINT_TRUST_PROXY
          value: {{ . | quote }}
        {{- end }}
        {{- end }}
        {{- if and (eq .part "gate-worker") $root.Values.versioning.deploymentName }}
        - name: HOLDPOINT_DEPLOYMENT_NAME
          value: {{ $root.Values.versioning.deploymentName | quote }}
        - name: HOLDPOINT_BUILD_ID
          value: {{ $root.Values.versioning.buildId | quote }}
        {{- end }}
        {{- with $values.env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        {{- if $isApi }}
        - { name: http, containerPort: 8080 }
        {{- end }}
        - { name: health, containerPort: 8081 }
        - { name: metrics, containerPort: 9464 }
      startupProbe:
        httpGet: { path: /healthz, port: {{ .spec.port }} }
        periodSeconds: 2
        failureThreshold: 90
      livenessProbe:
        httpGet: { path: /healthz, port: {{ .spec.port }} }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: { path: /readyz, port: {{ .spec.port }} }
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 2
      {{- if $isApi }}
      # Until no Service sends anything here any more.
      lifecycle: { preStop: { sleep: { seconds: 10 } } }
      {{- end }}
      resources: {{- toYaml $values.resources | nindent 8 }}
      volumeMounts:
        - { name: config, mountPath: /etc/holdpoint, readOnly: true }
        - { name: data, mountPath: /var/lib/holdpoint }
        - { name: tmp, mountPath: /tmp }
        {{- range $secrets }}
        {{- include "holdpoint.secretMount" . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      configMap: { name: {{ $root.Values.config.existingConfigMap | default (include "holdpoint.name" $root) | quote }} }
    - { name: tmp, emptyDir: { sizeLimit: 64Mi } }
    {{- if not $isExecute }}
    - { name: data, emptyDir: { sizeLimit: 64Mi } }
    {{- end }}
    {{- range $secrets }}
    {{- include "holdpoint.secretVolume" . | nindent 4 }}
    {{- end }}
{{- end }}
