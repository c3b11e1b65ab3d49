package register

import "net/http"

// sender is who sent a message.
type sender struct {
	key string // KeyIdentifier that sealed it; "": it came plain
	own bool   // by the control socket, from one who may: such a one may speak for any register
}

// Own is the handler for a socket that lets in only who may speak for any register: it takes plain messages,
// and under any SaleID.
func (s *Server) Own() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.handle(w, r, way{plain: true, own: true})
	})
}

// way is how a message came.
type way struct {
	plain bool // plain messages are taken on it
	own   bool // by the control socket
}
