package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// What becomes of a call under a deadline.
func outcome(_ int, err error) string {
	if isTimeout(err) {
		return "i/o timeout"
	}
	check(err)
	return "done"
}

func isTimeout(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// A deadline is an instant: it ends every later call, until it is set again.
func passed() {
	client, server := connection()
	defer client.Close()
	defer server.Close()
	const limit = 50 * time.Millisecond
	b := make([]byte, 2)
	// ANCHOR: passed
	client.SetDeadline(time.Now().Add(limit))
	read := outcome(client.Read(b))
	sent := must(server.Write([]byte("data")))
	next := outcome(client.Read(b))
	client.SetDeadline(time.Now().Add(patience))
	setAgain := outcome(client.Read(b))
	client.SetDeadline(time.Time{})
	cleared := outcome(client.Read(b))
	// ANCHOR_END: passed
	record(
		"limit_ms", limit.Milliseconds(), "read", read, "sent_then", sent, "next_read", next,
		"read_after_setting_again", setAgain, "read_after_clearing", cleared,
	)
}

// Each direction has a deadline of its own. All are past here, and there is something to read, and room to write.
func directions() {
	var fields []any
	for _, set := range []struct {
		name     string
		deadline func(net.Conn, time.Time) error
	}{
		{"read_deadline", net.Conn.SetReadDeadline},
		{"write_deadline", net.Conn.SetWriteDeadline},
		{"both", net.Conn.SetDeadline},
	} {
		client, server := connection()
		must(server.Write([]byte("data")))
		// ANCHOR: directions
		check(set.deadline(client, time.Now().Add(-time.Second)))
		fields = append(fields, "read_by_"+set.name, outcome(client.Read(make([]byte, 4))))
		fields = append(fields, "write_by_"+set.name, outcome(client.Write([]byte("data"))))
		// ANCHOR_END: directions
		client.Close()
		server.Close()
	}
	record(fields...)
}

// A past deadline, and every call that may wait; Accept under that of its listener.
func covered() {
	client, server := connection()
	defer client.Close()
	defer server.Close()
	listener := must(net.ListenTCP("tcp", &net.TCPAddr{IP: loopback}))
	defer listener.Close()
	past := time.Now().Add(-time.Second)
	client.SetDeadline(past)
	listener.SetDeadline(past)
	try := func(call string, err error) { record("call", call, "times_out", isTimeout(err)) }
	_, err := client.Read(make([]byte, 1))
	try("Read", err)
	_, err = client.Write([]byte("x"))
	try("Write", err)
	_, err = client.ReadFrom(strings.NewReader("x"))
	try("ReadFrom", err)
	try("RawConn.Read", must(client.SyscallConn()).Read(func(uintptr) bool { return false }))
	_, err = listener.Accept()
	try("Accept", err)
}

// What the packages that stand on net import.
func imports() {
	const format = "{{.ImportPath}}{{range .Imports}} {{.}}{{end}}"
	output, err := golang(os.TempDir(), "list", "-f", format, "net/http", "net/rpc").Output()
	if err != nil {
		need(fmt.Errorf("go list has no net/http: %w", err))
	}
	for _, line := range strings.Split(strings.TrimSpace(string(output)), "\n") {
		name, imports, _ := strings.Cut(line, " ")
		imports = " " + imports + " "
		record(
			"package", name, "imports_net", strings.Contains(imports, " net "),
			"imports_net_http", strings.Contains(imports, " net/http "),
		)
	}
}
