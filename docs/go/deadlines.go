package main

import (
	"errors"
	"net"
	"os"
	"strings"
	"time"
)

var deadlineSteps = []step{{"passed", passed}, {"directions", directions}, {"moved", moved}, {"covered", covered}, {"imports", imports}}

// What becomes of a call under a deadline: how many bytes, or "i/o timeout".
func underDeadline(n int, err error) string {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "i/o timeout"
	}
	if err != nil {
		return err.Error()
	}
	return "done"
}

type passedDeadline struct {
	LimitMs  int64  `json:"limit_ms"`
	Read     string `json:"read"`
	SentThen int    `json:"sent_then"`
	NextRead string `json:"next_read"`
	SetAgain string `json:"read_after_setting_again"`
	Cleared  string `json:"read_after_clearing"`
}

// A deadline is an instant: it ends every later call, until it is set again.
func passed() (any, error) {
	client, server, err := connection()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	defer server.Close()
	record, b := passedDeadline{LimitMs: 50}, make([]byte, 2)
	limit := time.Duration(record.LimitMs) * time.Millisecond
	// ANCHOR: passed
	client.SetDeadline(time.Now().Add(limit))
	record.Read = underDeadline(client.Read(b))
	if record.SentThen, err = server.Write([]byte("data")); err != nil {
		return nil, err
	}
	record.NextRead = underDeadline(client.Read(b))
	client.SetDeadline(time.Now().Add(patience))
	record.SetAgain = underDeadline(client.Read(b))
	client.SetDeadline(time.Time{})
	record.Cleared = underDeadline(client.Read(b))
	// ANCHOR_END: passed
	return record, nil
}

type eachDirection struct {
	ReadByRead   string `json:"read_by_read_deadline"`
	WriteByRead  string `json:"write_by_read_deadline"`
	ReadByWrite  string `json:"read_by_write_deadline"`
	WriteByWrite string `json:"write_by_write_deadline"`
	ReadByBoth   string `json:"read_by_both"`
	WriteByBoth  string `json:"write_by_both"`
}

// Each direction has a deadline of its own. All are past here, and there is something to read, and room to write.
func directions() (any, error) {
	record := eachDirection{}
	for _, set := range []struct {
		deadline    func(net.Conn, time.Time) error
		read, write *string
	}{
		{net.Conn.SetReadDeadline, &record.ReadByRead, &record.WriteByRead},
		{net.Conn.SetWriteDeadline, &record.ReadByWrite, &record.WriteByWrite},
		{net.Conn.SetDeadline, &record.ReadByBoth, &record.WriteByBoth},
	} {
		client, server, err := connection()
		if err != nil {
			return nil, err
		}
		server.Write([]byte("data"))
		// ANCHOR: directions
		set.deadline(client, time.Now().Add(-time.Second))
		*set.read = underDeadline(client.Read(make([]byte, 4)))
		*set.write = underDeadline(client.Write([]byte("data")))
		// ANCHOR_END: directions
		client.Close()
		server.Close()
	}
	return record, nil
}

type movedDeadline struct {
	Blocked bool   `json:"blocked"`
	Read    string `json:"read"`
}

// Another goroutine moves the deadline of a Read that waits.
func moved() (any, error) {
	client, server, err := connection()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	defer server.Close()
	read := make(chan string)
	go func() { read <- underDeadline(client.Read(make([]byte, 1))) }()
	if err := parked("net.(*conn).Read"); err != nil {
		return nil, err
	}
	client.SetReadDeadline(time.Now())
	return movedDeadline{true, <-read}, nil
}

type coveredCall struct {
	Call     string `json:"call"`
	TimesOut bool   `json:"times_out"`
}

// A past deadline, and every call that may wait; Accept under that of its listener.
func covered() (any, error) {
	client, server, err := connection()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	defer server.Close()
	past := time.Now().Add(-time.Second)
	client.SetDeadline(past)
	listener, err := net.ListenTCP("tcp", nil)
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	listener.SetDeadline(past)
	raw, err := client.(*net.TCPConn).SyscallConn()
	if err != nil {
		return nil, err
	}
	var records []coveredCall
	try := func(call string, err error) {
		records = append(records, coveredCall{call, errors.Is(err, os.ErrDeadlineExceeded)})
	}
	_, err = client.Read(make([]byte, 1))
	try("Read", err)
	_, err = client.Write([]byte("x"))
	try("Write", err)
	_, err = client.(*net.TCPConn).ReadFrom(strings.NewReader("x"))
	try("ReadFrom", err)
	try("RawConn.Read", raw.Read(func(uintptr) bool { return false }))
	_, err = listener.Accept()
	try("Accept", err)
	return records, nil
}

type imported struct {
	Package string `json:"package"`
	Net     bool   `json:"imports_net"`
	HTTP    bool   `json:"imports_net_http"`
}

// What the packages that stand on net import.
func imports() (any, error) {
	output, err := golang(os.TempDir(), "list", "-f", "{{.ImportPath}}{{range .Imports}} {{.}}{{end}}", "net/http", "net/rpc").Output()
	if err != nil {
		return nil, cannotShow("go list has no net/http")
	}
	var records []imported
	for _, line := range strings.Split(strings.TrimSpace(string(output)), "\n") {
		record := imported{Package: strings.Fields(line)[0]}
		for _, name := range strings.Fields(line)[1:] {
			record.Net = record.Net || name == "net"
			record.HTTP = record.HTTP || name == "net/http"
		}
		records = append(records, record)
	}
	return records, nil
}
