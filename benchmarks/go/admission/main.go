// Command admission is what the benchmarks measure our admission pair against: the same decision on
// net/http and encoding/json, or a constant answer.
//
// It listens on HTTPS and says where, in the form of our own log, on standard error.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	certificate := flag.String("cert", "", "certificate chain (PEM)")
	key := flag.String("key", "", "private key (PEM)")
	catalogueFile := flag.String("catalogue", "", "the tier catalogue to decide by, as JSON")
	patchFile := flag.String("constant-patch", "", "decide nothing: allow, and answer /mutate with this patch")
	flag.Parse()
	handler, err := routes(*catalogueFile, *patchFile)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(serve(handler, *certificate, *key))
}

func routes(catalogueFile, patchFile string) (http.Handler, error) {
	mux := http.NewServeMux()
	if patchFile != "" {
		patch, err := os.ReadFile(patchFile)
		if err != nil {
			return nil, err
		}
		mux.HandleFunc("POST /mutate", constant(patch))
		mux.HandleFunc("POST /validate", constant(nil))
		return mux, nil
	}
	policy, err := loadPolicy(catalogueFile)
	if err != nil {
		return nil, err
	}
	mux.HandleFunc("POST /mutate", decided(policy, mutate))
	mux.HandleFunc("POST /validate", decided(policy, validate))
	return mux, nil
}

func serve(handler http.Handler, certificate, key string) error {
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, `{"message":"listening","role":"admission","address":%q}`+"\n", listener.Addr())
	server := http.Server{
		Handler:           handler,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{pair}},
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       120 * time.Second,
	}
	return server.ServeTLS(listener, "", "")
}
