package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
)

var readSteps = []step{{"loop", readLoop}, {"delimiter", delimiter}, {"scanner", scanner}}

type looped struct {
	Buffer int    `json:"buffer"`
	Reads  []int  `json:"reads"`
	End    string `json:"end"`
}

// The note's loop: ten bytes at most at a time, until the other side has closed.
func readLoop() (any, error) {
	client, server, err := connection()
	if err != nil {
		return nil, err
	}
	if _, err := client.Write([]byte("The root of 27 is 3.")); err != nil {
		return nil, err
	}
	client.Close()
	record := looped{Buffer: 10}
	var dataBuffer bytes.Buffer
	// ANCHOR: read-loop
	b := make([]byte, record.Buffer)
	for {
		n, err := server.Read(b)
		if err != nil {
			if err == io.EOF {
				record.End = "The connection is closed."
				server.Close()
				return record, nil
			}
			return nil, fmt.Errorf("read error: %w", err)
		}
		record.Reads = append(record.Reads, n)
		dataBuffer.Write(b[:n])
	}
	// ANCHOR_END: read-loop
}

type delimited struct {
	Sent  string   `json:"sent"`
	Reads []string `json:"reads"`
}

// ReadBytes leaves the delimiter; the last piece has none.
func delimiter() (any, error) {
	record := delimited{Sent: "27\n8\nrest"}
	client, server := net.Pipe()
	go func() {
		io.WriteString(client, record.Sent)
		client.Close()
	}()
	// ANCHOR: delimiter
	reader := bufio.NewReader(server)
	for {
		line, err := reader.ReadBytes('\n')
		record.Reads = append(record.Reads, string(line))
		if err == io.EOF {
			return record, nil
		}
		if err != nil {
			return nil, err
		}
	}
	// ANCHOR_END: delimiter
}

type scannerIs struct {
	Scanner    string   `json:"scanner_is"`
	NewScanner string   `json:"new_scanner_is"`
	Lines      []string `json:"lines"`
	Longest    int      `json:"token_limit"`
	TooLong    bool     `json:"longer_is_an_error"`
}

// A type, and the function that makes one. A line of more than its limit ends it.
func scanner() (any, error) {
	kind := func(value any) string { return reflect.TypeOf(value).Kind().String() }
	record := scannerIs{Scanner: kind(bufio.Scanner{}), NewScanner: kind(bufio.NewScanner), Longest: bufio.MaxScanTokenSize}
	lines := bufio.NewScanner(strings.NewReader("27\n8\nrest"))
	for lines.Scan() {
		record.Lines = append(record.Lines, lines.Text())
	}
	long := bufio.NewScanner(strings.NewReader(strings.Repeat("x", record.Longest+1)))
	record.TooLong = !long.Scan() && errors.Is(long.Err(), bufio.ErrTooLong)
	return record, lines.Err()
}
