package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
)

// The note's loop: ten bytes at most at a time, until the other side has closed.
func readLoop() {
	client, server := connection()
	must(client.Write([]byte("The root of 27 is 3.")))
	client.Close()
	var reads []int
	var dataBuffer bytes.Buffer
	b := make([]byte, 10)
	// ANCHOR: read-loop
	for {
		n, err := server.Read(b)
		if err != nil {
			if err == io.EOF {
				record("buffer", len(b), "reads", reads, "end", "The connection is closed.")
				server.Close()
			} else {
				check(err)
			}
			break
		}
		reads = append(reads, n)
		dataBuffer.Write(b[:n])
	}
	// ANCHOR_END: read-loop
}

// ReadBytes leaves the delimiter; the last piece has none.
func delimiter() {
	const sent = "27\n8\nrest"
	client, server := net.Pipe()
	go func() {
		io.WriteString(client, sent)
		client.Close()
	}()
	var reads []string
	// ANCHOR: delimiter
	reader := bufio.NewReader(server)
	for {
		line, err := reader.ReadBytes('\n')
		reads = append(reads, string(line))
		if err == io.EOF {
			break
		}
		check(err)
	}
	// ANCHOR_END: delimiter
	record("sent", sent, "reads", reads)
}

// A type, and the function that makes one. A line of more than its limit ends it.
func scanner() {
	const limit = bufio.MaxScanTokenSize
	long := bufio.NewScanner(strings.NewReader(strings.Repeat("x", limit+1)))
	tooLong := !long.Scan() && errors.Is(long.Err(), bufio.ErrTooLong)
	kind := func(value any) string { return reflect.TypeOf(value).Kind().String() }
	record(
		"scanner_is", kind(bufio.Scanner{}), "new_scanner_is", kind(bufio.NewScanner),
		"token_limit", limit, "longer_is_an_error", tooLong,
	)
}
