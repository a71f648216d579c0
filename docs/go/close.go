package main

import (
	"errors"
	"net"
)

var closeSteps = []step{{"closed", closed}, {"blocked", blocked}}

type closedCalls struct {
	Read     string `json:"read"`
	Write    string `json:"write"`
	Close    string `json:"close"`
	AllKnown bool   `json:"all_are_err_closed"`
}

func closed() (any, error) {
	client, server, err := connection()
	if err != nil {
		return nil, err
	}
	defer server.Close()
	// ANCHOR: closed
	client.Close()
	_, readErr := client.Read(make([]byte, 1))
	_, writeErr := client.Write([]byte("x"))
	closeErr := client.Close()
	// ANCHOR_END: closed
	known := errors.Is(readErr, net.ErrClosed) && errors.Is(writeErr, net.ErrClosed) && errors.Is(closeErr, net.ErrClosed)
	return closedCalls{said(readErr), said(writeErr), said(closeErr), known}, nil
}

type woken struct {
	Call    string `json:"call"`
	Blocked bool   `json:"blocked"`
	N       int    `json:"n"`
	Error   string `json:"error"`
	Closed  bool   `json:"is_err_closed"`
}

// Close ends a Read that has nothing to read, and a Write that has no room.
func blocked() (any, error) {
	read, err := wake("Read", func(conn net.Conn) (int, error) { return conn.Read(make([]byte, 1)) })
	if err != nil {
		return nil, err
	}
	write, err := wake("Write", func(conn net.Conn) (int, error) { return conn.Write(make([]byte, 16<<20)) })
	return []woken{read, write}, err
}

func wake(name string, call func(net.Conn) (int, error)) (woken, error) {
	client, server, err := connection()
	if err != nil {
		return woken{}, err
	}
	defer server.Close()
	// ANCHOR: wake
	record, done := woken{Call: name}, make(chan error)
	go func() {
		var err error
		record.N, err = call(client)
		done <- err
	}()
	if err := parked("net.(*conn)." + name); err != nil {
		return woken{}, err
	}
	record.Blocked = true
	client.Close()
	err = <-done
	record.Error, record.Closed = said(err), errors.Is(err, net.ErrClosed)
	// ANCHOR_END: wake
	return record, nil
}
