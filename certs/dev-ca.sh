#!/bin/sh
# A CA for development and a serving certificate of it, for the chart's Service and for localhost.
# Called again, it renews the certificate and leaves the CA as it is. Needs `nsp` on the PATH, or its path in NSP.
set -eu

usage() {
    echo "usage: ${0##*/} [-n NAMESPACE] [FOLDER]"
    echo "  -n  the namespace of the release (default: ns-provisioner)"
    echo "  FOLDER  where the files are kept (default: dev, beside this script)"
}

namespace=ns-provisioner
while getopts n:h option; do
    case $option in
    n) namespace=$OPTARG ;;
    h) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -le 1 ] || { usage >&2 && exit 2; }
folder=${1:-$(dirname "$0")/dev}
nsp=${NSP:-nsp}
command -v "$nsp" >/dev/null || { echo "there is no $nsp: source .run/env, or set NSP to its path" >&2 && exit 1; }

service=ns-provisioner-admission
set --
for host in "$service.$namespace.svc" "$service.$namespace.svc.cluster.local" "$service.$namespace" "$service" \
    localhost 127.0.0.1 ::1; do
    set -- "$@" --host "$host"
done

if [ -e "$folder/ca.key" ]; then
    "$nsp" certs renew --dir "$folder" "$@"
else
    "$nsp" certs make --dir "$folder" --keep-ca-key "$@"
fi
"$nsp" certs check --dir "$folder" --host "$service.$namespace.svc" --host localhost

cat <<EOF

On this machine:
  nsp serve --tls-cert '$folder/tls.crt' --tls-key '$folder/tls.key'
  nsp webhooks --url https://127.0.0.1:8443 --ca-file '$folder/ca.crt' | kubectl apply -f -
In a cluster; again after every renewal:
  kubectl create secret generic ns-provisioner-tls -n '$namespace' --type=kubernetes.io/tls --dry-run=client -o yaml \\
    --from-file='$folder/tls.crt' --from-file='$folder/tls.key' --from-file='$folder/ca.crt' | kubectl apply -f -
With the chart:
  helm upgrade --install ns-provisioner charts/ns-provisioner -n '$namespace' \\
    --set tls.source=secret --set tls.secretName=ns-provisioner-tls --set-file tls.caBundle='$folder/ca.crt'
EOF
