{{/* Name of the cluster-wide objects: two installations must not share them. */}}
{{- define "tidegate.clusterName" -}}
{{- printf "%s-%s" .Release.Name .Release.Namespace | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "tidegate.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* `flux check`, `flux logs` and `flux uninstall` find what is part of flux. */}}
{{- define "tidegate.labels" -}}
{{ include "tidegate.selectorLabels" . }}
app.kubernetes.io/part-of: flux
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "tidegate.image" -}}
{{- $name := .Values.image.repository -}}
{{- with .Values.image.registry }}{{ $name = printf "%s/%s" . $name }}{{ end -}}
{{- $name = printf "%s:%s" $name (.Values.image.tag | default .Chart.AppVersion) -}}
{{- with .Values.image.digest }}{{ $name = printf "%s@%s" $name . }}{{ end -}}
{{- $name -}}
{{- end -}}

{{/* The accounts that the process speaks as: its own and those of its roles. */}}
{{- define "tidegate.subjects" -}}
- kind: ServiceAccount
  name: {{ .Values.serviceAccount.name }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{- define "tidegate.components" -}}
source-controller kustomize-controller
{{- end -}}
