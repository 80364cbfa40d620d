#!/bin/sh
# Signs for fhirstorm with a key that never leaves its token: the bytes to sign come on standard input, the signature
# goes to standard output (an ES384 one in DER, which fhirstorm reads too). FHIRSTORM_KID says which key is meant.
#
#   SIGNER_KEY=pkcs11:token=hospital;type=private   with OpenSSL's pkcs11 provider (package pkcs11-provider)
#   SIGNER_KEY=/etc/fhirstorm/client-key.pem        a file, to try it
set -eu
case "$SIGNER_KEY" in
  pkcs11:*) set -- -provider pkcs11 -provider default -inkey "$SIGNER_KEY;object=$FHIRSTORM_KID" ;;
  *) set -- -inkey "$SIGNER_KEY" ;;
esac
exec openssl pkeyutl -sign -rawin -digest sha384 "$@"
