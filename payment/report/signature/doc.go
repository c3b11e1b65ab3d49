// Package signature signs what passes between a terminal and the cloud, and checks it: Ed25519 in a
// detached JWS over canonical JSON, both ways.
//
// Invariants:
//   - What is signed names whom it is about (the source): a signature for one terminal is worth nothing for
//     another.
//   - One algorithm, EdDSA over Ed25519: a header that names another is refused, and so is one without the id
//     of a key that is known.
//   - A private key is a file of mode 0600, is made once and never overwritten, and does not print.
//
// Anyone can check a signature: take the parts named at [Event] or [Ack] as one JSON object, write it by
// RFC 8785, and put its base64url between the two points of the JWS.
//
// It imports nothing of this project.
//
// Sources: RFC 7515 (JWS, appendix F for detached content), RFC 8037 (EdDSA), RFC 8785 (JCS), RFC 7638
// (the thumbprint that is a key's id), RFC 8410 (Ed25519 in PKCS #8 and SubjectPublicKeyInfo).
package signature
