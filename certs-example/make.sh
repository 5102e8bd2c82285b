#!/bin/sh
# Makes a CA, the server's certificate, the gateway's own (for the broker) and one for each force,
# for trying `cara-gateway serve` by hand. Not for real records: the CA's key lies beside the rest.
#
#   ./make.sh [FOLDER]              everything, into FOLDER (default: out, which git ignores)
#   ./make.sh revoke SLUG [FOLDER]  puts a force's certificate on the revocation list
set -eu
umask 077

here=$(cd "$(dirname "$0")" && pwd)
forces="hampshire west-midlands leicestershire norfolk"
days_ca=3650
days_own=365

action=make
if [ "${1-}" = revoke ]; then
    action=revoke
    slug=${2:?"which force? ./make.sh revoke SLUG [FOLDER]"}
    shift 2
fi
out=${1-"$here/out"}

command -v openssl >/dev/null || { echo "openssl is missing: apt-get install openssl" >&2; exit 1; }

crl() {
    openssl ca -config "$out/ca/ca.cnf" -gencrl -out "$out/ca.crl" 2>/dev/null
}

if [ "$action" = revoke ]; then
    openssl ca -config "$out/ca/ca.cnf" -revoke "$out/forces/$slug.pem" 2>/dev/null
    crl
    echo "$slug is on $out/ca.crl; a running gateway refuses it within a second or two"
    exit 0
fi

if [ -e "$out/ca.pem" ]; then
    echo "$out/ca.pem is there already; remove the folder first to make new ones" >&2
    exit 1
fi
mkdir -p "$out/ca/signed" "$out/forces"
out=$(cd "$out" && pwd)
: > "$out/ca/index.txt"
echo 1000 > "$out/ca/serial"
echo 01 > "$out/ca/crlnumber"
cat > "$out/ca/ca.cnf" <<CNF
[ca]
default_ca = example
[example]
database         = $out/ca/index.txt
new_certs_dir    = $out/ca/signed
serial           = $out/ca/serial
crlnumber        = $out/ca/crlnumber
certificate      = $out/ca.pem
private_key      = $out/ca/ca.key
default_md       = sha256
default_days     = $days_own
default_crl_days = 30
policy           = any
unique_subject   = no
copy_extensions  = none
[any]
commonName = supplied
[request]
prompt             = no
distinguished_name = name
[name]
CN = replaced by -subj
[root]
basicConstraints     = critical, CA:true
keyUsage             = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
CNF

key() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null
}

# sign FILE COMMON-NAME USAGE SAN: FILE.key and FILE.pem
sign() {
    key "$1.key"
    openssl req -new -config "$out/ca/ca.cnf" -section request -key "$1.key" -subj "/CN=$2" -out "$1.csr"
    {
        echo "basicConstraints = critical, CA:false"
        echo "keyUsage = critical, digitalSignature"
        echo "extendedKeyUsage = $3"
        echo "subjectAltName = $4"
        echo "subjectKeyIdentifier = hash"
        echo "authorityKeyIdentifier = keyid"
    } > "$1.ext"
    openssl ca -config "$out/ca/ca.cnf" -batch -notext -extfile "$1.ext" -in "$1.csr" -out "$1.pem" 2>/dev/null
    rm -f "$1.csr" "$1.ext"
}

fingerprint() {
    openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin -outform DER \
        | openssl dgst -sha256 -r | cut -d ' ' -f 1
}

key "$out/ca/ca.key"
openssl req -x509 -new -config "$out/ca/ca.cnf" -section request -extensions root \
    -key "$out/ca/ca.key" -subj "/CN=CARA example CA" -days "$days_ca" -out "$out/ca.pem"
crl
sign "$out/server" localhost serverAuth "DNS:localhost, IP:127.0.0.1, IP:::1"
sign "$out/gateway" cara-gateway clientAuth "DNS:cara-gateway.example"

{
    echo "# Identities of the example certificates, for gateway.toml. By key:"
    for slug in $forces; do
        sign "$out/forces/$slug" "$slug-records" clientAuth "DNS:records.$slug.example"
        echo
        echo "[[identity]]"
        echo "name         = \"$slug-records\""
        echo "forces       = [\"$slug\"]"
        echo "fingerprints = [\"sha256:$(fingerprint "$out/forces/$slug.pem")\"]"
        echo "test         = false"
    done
} > "$out/identities.toml"

echo "made in $out:"
echo "  ca.pem ca.crl                     the CA and its revocation list"
echo "  server.pem server.key             for [api]"
echo "  gateway.pem gateway.key           for [broker]"
echo "  forces/SLUG.pem forces/SLUG.key   for curl --cert and --key"
echo "  identities.toml                   the [[identity]] sections to put into gateway.toml"
