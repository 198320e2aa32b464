// Command load sends HTTP requests over connections that it keeps, and measures each.
//
// It reads one order a line from standard input and answers each with one line, both JSON. The
// connections are opened before the first order is asked for, so that no handshake is measured.
// Requests are written as bytes made beforehand: the client must not be what is busy.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"time"
)

type order struct {
	Path     string   `json:"path"`
	Token    string   `json:"token"`    // bearer token, if any
	Bodies   []string `json:"bodies"`   // files; in every turn each is sent once, in random order
	Whole    bool     `json:"whole"`    // the files are whole requests, and not bodies to be POSTed to the path
	Requests int      `json:"requests"` // in all
	Rate     float64  `json:"rate"`     // requests a second, begun whatever becomes of others; 0: as fast as answered
}

type report struct {
	Seconds   float64   `json:"seconds"`
	Latencies [][]int64 `json:"latencies"` // microseconds, by body, in the order of their ends
	Failed    int       `json:"failed"`
	Error     string    `json:"error"` // of the first that failed
}

type job struct {
	body int
	due  time.Time // zero: when it is begun
}

func main() {
	address := flag.String("address", "", "HOST:PORT of the server")
	authority := flag.String("ca", "", "who signed its certificate (PEM)")
	connections := flag.Int("connections", 1, "connections to keep")
	flag.Parse()
	connected, err := dial(*address, *authority, *connections)
	if err != nil {
		log.Fatal(err)
	}
	if err := obey(connected, *address); err != nil {
		log.Fatal(err)
	}
}

func obey(connected []*tls.Conn, host string) error {
	orders, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var next order
		if err := orders.Decode(&next); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		messages, err := next.messages(host)
		if err != nil {
			return err
		}
		if err := answers.Encode(run(connected, &next, messages)); err != nil {
			return err
		}
	}
}

func dial(address, authority string, count int) ([]*tls.Conn, error) {
	pem, err := os.ReadFile(authority)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", authority)
	}
	connected := make([]*tls.Conn, 0, count)
	for range count {
		next, err := tls.Dial("tcp", address, &tls.Config{RootCAs: roots, NextProtos: []string{"http/1.1"}})
		if err != nil {
			return nil, err
		}
		connected = append(connected, next)
	}
	return connected, nil
}

// messages are the whole requests, ready to be written.
func (order *order) messages(host string) ([][]byte, error) {
	messages := make([][]byte, 0, len(order.Bodies))
	for _, file := range order.Bodies {
		body, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if order.Whole {
			messages = append(messages, body)
			continue
		}
		var message bytes.Buffer
		fmt.Fprintf(&message, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: load\r\n", order.Path, host)
		fmt.Fprintf(&message, "Accept: application/json\r\nContent-Type: application/json\r\n")
		if order.Token != "" {
			fmt.Fprintf(&message, "Authorization: Bearer %s\r\n", order.Token)
		}
		fmt.Fprintf(&message, "Content-Length: %d\r\n\r\n", len(body))
		message.Write(body)
		messages = append(messages, message.Bytes())
	}
	return messages, nil
}

func run(connected []*tls.Conn, order *order, messages [][]byte) *report {
	report := &report{Latencies: make([][]int64, len(messages))}
	jobs := make(chan job, order.Requests) // never full: who is slow does not hold up who is due
	var mutex sync.Mutex
	var workers sync.WaitGroup
	began := time.Now()
	for _, connection := range connected {
		workers.Go(func() {
			reader := bufio.NewReaderSize(connection, 64<<10)
			for job := range jobs {
				begun := job.due
				if begun.IsZero() {
					begun = time.Now()
				}
				err := exchange(connection, reader, messages[job.body])
				took := time.Since(begun)
				mutex.Lock()
				report.add(job.body, took, err)
				mutex.Unlock()
			}
		})
	}
	issue(jobs, order)
	workers.Wait()
	report.Seconds = time.Since(began).Seconds()
	return report
}

// issue hands out the jobs: all at once, or each when it is due.
func issue(jobs chan<- job, order *order) {
	defer close(jobs)
	shuffled := rand.New(rand.NewPCG(1, 2)) // the same order in every run
	began := time.Now()
	var turn []int
	for number := range order.Requests {
		if len(turn) == 0 {
			turn = shuffled.Perm(len(order.Bodies))
		}
		next := job{body: turn[0]}
		turn = turn[1:]
		if order.Rate > 0 {
			time.Sleep(time.Until(began.Add(time.Duration(float64(number) / order.Rate * float64(time.Second)))))
			next.due = time.Now()
		}
		jobs <- next
	}
}

func exchange(connection *tls.Conn, reader *bufio.Reader, message []byte) error {
	if _, err := connection.Write(message); err != nil {
		return err
	}
	answer, err := http.ReadResponse(reader, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest {
		body, _ := io.ReadAll(answer.Body) // what can be had of the reason
		return fmt.Errorf("status %d: %s", answer.StatusCode, body)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

func (report *report) add(body int, took time.Duration, err error) {
	if err != nil {
		if report.Failed == 0 {
			report.Error = err.Error()
		}
		report.Failed++
		return
	}
	report.Latencies[body] = append(report.Latencies[body], took.Microseconds())
}
