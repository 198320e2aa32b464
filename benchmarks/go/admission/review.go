package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
)

const bodyLimit = 7 << 20 // bytes, as in our server

// What the rules look at; encoding/json skips the rest.
type review struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Request    *request  `json:"request,omitempty"`
	Response   *response `json:"response,omitempty"`
}

type request struct {
	UID         string    `json:"uid"`
	Resource    resource  `json:"resource"`
	SubResource string    `json:"subResource"`
	Name        string    `json:"name"`
	Operation   string    `json:"operation"`
	UserInfo    userInfo  `json:"userInfo"`
	Object      *manifest `json:"object"`
	OldObject   *manifest `json:"oldObject"`
}

type resource struct {
	Group    string `json:"group"`
	Version  string `json:"version"`
	Resource string `json:"resource"`
}

type userInfo struct {
	Username string   `json:"username"`
	Groups   []string `json:"groups"`
}

type manifest struct {
	Metadata metadata `json:"metadata"`
}

type metadata struct {
	Labels          map[string]string `json:"labels"`
	Annotations     map[string]string `json:"annotations"`
	OwnerReferences []ownerReference  `json:"ownerReferences"`
}

type ownerReference struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	UID  string `json:"uid"`
}

type response struct {
	UID       string  `json:"uid"`
	Allowed   bool    `json:"allowed"`
	PatchType string  `json:"patchType,omitempty"`
	Patch     []byte  `json:"patch,omitempty"`
	Status    *status `json:"status,omitempty"`
}

type status struct {
	Code    int    `json:"code"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

type decision func(*policy, *request) (*response, error)

// decided is an endpoint that reads a review, decides and answers.
func decided(policy *policy, decide decision) http.HandlerFunc {
	return func(writer http.ResponseWriter, incoming *http.Request) {
		asked, code, err := decode(writer, incoming)
		if err != nil {
			http.Error(writer, err.Error(), code)
			return
		}
		answer, err := decide(policy, asked)
		if err != nil {
			http.Error(writer, err.Error(), http.StatusInternalServerError)
			return
		}
		answer.UID = asked.UID
		send(writer, answer)
	}
}

// constant is an endpoint that allows everything, with the same patch for all or none. The API
// server demands the uid it sent: that much is read of the review.
func constant(patch []byte) http.HandlerFunc {
	marker := []byte(`"uid":`)
	return func(writer http.ResponseWriter, incoming *http.Request) {
		body, err := io.ReadAll(incoming.Body)
		_, rest, found := bytes.Cut(body, marker)
		uid, _, closed := bytes.Cut(bytes.TrimLeft(rest, ` "`), []byte(`"`))
		if err != nil || !found || !closed {
			http.Error(writer, "no review", http.StatusBadRequest)
			return
		}
		answer := &response{UID: string(uid), Allowed: true}
		if patch != nil {
			answer.PatchType, answer.Patch = "JSONPatch", patch
		}
		send(writer, answer)
	}
}

// decode reads one review of a namespace; on an error it says with which HTTP status to refuse it.
func decode(writer http.ResponseWriter, incoming *http.Request) (*request, int, error) {
	kind, _, err := mime.ParseMediaType(incoming.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, http.StatusUnsupportedMediaType, errors.New("send application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(writer, incoming.Body, bodyLimit))
	if err != nil {
		return nil, http.StatusRequestEntityTooLarge, err
	}
	var asked review
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, http.StatusBadRequest, err
	}
	return asked.Request, http.StatusBadRequest, check(&asked)
}

func check(asked *review) error {
	if asked.APIVersion != "admission.k8s.io/v1" || asked.Kind != "AdmissionReview" || asked.Request == nil {
		return errors.New("not an admission.k8s.io/v1 AdmissionReview")
	}
	if asked.Request.Resource != (resource{"", "v1", "namespaces"}) {
		return errors.New("only namespaces.v1 are served here")
	}
	switch asked.Request.SubResource {
	case "", "status", "finalize":
	default:
		return fmt.Errorf("subresource %q is not served here", asked.Request.SubResource)
	}
	if asked.Request.Object == nil || asked.Request.Operation == update && asked.Request.OldObject == nil {
		return fmt.Errorf("an object is missing on %s", asked.Request.Operation)
	}
	return nil
}

func send(writer http.ResponseWriter, answer *response) {
	body, err := json.Marshal(review{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview", Response: answer})
	if err != nil {
		http.Error(writer, err.Error(), http.StatusInternalServerError)
		return
	}
	writer.Header().Set("Content-Type", "application/json")
	_, _ = writer.Write(body) // the caller has gone: nobody to tell
}
