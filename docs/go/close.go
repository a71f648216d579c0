package main

import (
	"errors"
	"net"
)

func closed() {
	client, server := connection()
	defer server.Close()
	// ANCHOR: closed
	client.Close()
	_, readErr := client.Read(make([]byte, 1))
	_, writeErr := client.Write([]byte("x"))
	closeErr := client.Close()
	// ANCHOR_END: closed
	record(
		"read", readErr, "write", writeErr, "close", closeErr,
		"all_are_err_closed", isClosed(readErr) && isClosed(writeErr) && isClosed(closeErr),
	)
}

func isClosed(err error) bool {
	return errors.Is(err, net.ErrClosed)
}

// Close ends a Read that has nothing to read, and a Write that has no room.
func blocked() {
	wake("Read", net.Conn.Read, 1)
	wake("Write", net.Conn.Write, 16<<20)
}

func wake(name string, call func(net.Conn, []byte) (int, error), size int) {
	client, server := connection()
	defer server.Close()
	// ANCHOR: wake
	var n int
	done := make(chan error)
	go func() {
		var err error
		n, err = call(client, make([]byte, size))
		done <- err
	}()
	parked("net.(*conn)." + name)
	client.Close()
	err := <-done
	// ANCHOR_END: wake
	record("call", name, "blocked", true, "n", n, "error", err, "is_err_closed", isClosed(err))
}
