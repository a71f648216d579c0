package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"syscall"
	"time"
)

var tcpSteps = []step{
	{"listen", listenOnAll},
	{"literals", literals},
	{"families", families},
	{"dial", dialIP},
	{"durations", durations},
	{"dial-timeout", dialTimeout},
	{"non-blocking", nonBlocking},
	{"write", partialWrite},
	{"partial-read", partialRead},
	{"methods", methods},
}

type listened struct {
	Network string `json:"network"`
	Listens bool   `json:"listens"`
	Accepts bool   `json:"can_accept"`
	Unknown bool   `json:"unknown_network"`
	Error   string `json:"error,omitempty"`
}

// Each name for a network, given to Listen.
func listenOnAll() (any, error) {
	folder, err := os.MkdirTemp("", "note")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path, host := filepath.Join(folder, "socket"), "localhost:0"
	var records []listened
	for _, name := range []struct{ network, address string }{
		{"tcp", host}, {"tcp4", host}, {"tcp6", "[::1]:0"}, {"unix", path}, {"unixpacket", path},
		{"udp", host}, {"unixgram", path}, {"ip", "127.0.0.1"}, {"sctp", host}, {"TCP", host},
	} {
		records = append(records, listenOn(name.network, name.address))
		os.Remove(path)
	}
	return records, nil
}

func listenOn(network, address string) listened {
	// ANCHOR: listen-on
	listener, err := net.Listen(network, address)
	record := listened{Network: network, Listens: err == nil, Error: said(err)}
	record.Unknown = errors.As(err, new(net.UnknownNetworkError))
	if err == nil {
		record.Accepts, err = canAccept(listener)
		record.Error = said(err)
		listener.Close()
	}
	// ANCHOR_END: listen-on
	return record
}

// Nobody comes: who can accept waits until the deadline.
func canAccept(listener net.Listener) (bool, error) {
	listener.(interface{ SetDeadline(time.Time) error }).SetDeadline(time.Now().Add(10 * time.Millisecond))
	_, err := listener.Accept()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return true, nil
	}
	return false, err
}

type literal struct {
	Network  string `json:"network"`
	Domain   string `json:"domain"`
	Type     string `json:"type"`
	Protocol string `json:"protocol"`
}

var (
	domainNames   = map[int]string{syscall.AF_INET: "AF_INET", syscall.AF_INET6: "AF_INET6", syscall.AF_UNIX: "AF_UNIX"}
	typeNames     = map[int]string{syscall.SOCK_STREAM: "SOCK_STREAM", syscall.SOCK_DGRAM: "SOCK_DGRAM", syscall.SOCK_SEQPACKET: "SOCK_SEQPACKET"}
	protocolNames = map[int]string{0: "0", syscall.IPPROTO_TCP: "TCP", syscall.IPPROTO_UDP: "UDP"}
)

// Each name of the note's table, and what its socket says of itself.
func literals() (any, error) {
	folder, err := os.MkdirTemp("", "note")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	var records []literal
	for _, network := range []string{"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "unix", "unixgram", "unixpacket"} {
		record, err := literalOf(network, filepath.Join(folder, network))
		if errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL) {
			return nil, cannotShow(err.Error())
		}
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return records, nil
}

func literalOf(network, path string) (record literal, err error) {
	var socket io.Closer
	switch network {
	case "tcp", "tcp4", "tcp6":
		socket, err = net.Listen(network, ":0")
	case "udp", "udp4", "udp6":
		socket, err = net.ListenPacket(network, ":0")
	case "unixgram":
		socket, err = net.ListenPacket(network, path)
	default:
		socket, err = net.Listen(network, path)
	}
	if err != nil {
		return record, err
	}
	defer socket.Close()
	raw, err := socket.(syscall.Conn).SyscallConn()
	if err != nil {
		return record, err
	}
	err = raw.Control(func(fd uintptr) {
		option := func(name int) int {
			value, _ := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, name)
			return value
		}
		domain, kind, protocol := option(syscall.SO_DOMAIN), option(syscall.SO_TYPE), option(syscall.SO_PROTOCOL)
		record = literal{network, domainNames[domain], typeNames[kind], protocolNames[protocol]}
	})
	return record, err
}

type servedFamilies struct {
	Network string `json:"network"`
	From4   bool   `json:"from_127.0.0.1"`
	From6   bool   `json:"from_::1"`
}

// Who can connect to a listener on all addresses.
func families() (any, error) {
	var records []servedFamilies
	for _, network := range []string{"tcp", "tcp4", "tcp6"} {
		listener, err := net.Listen(network, ":0")
		if err != nil {
			return nil, cannotShow(err.Error())
		}
		_, port, err := net.SplitHostPort(listener.Addr().String())
		if err != nil {
			return nil, err
		}
		records = append(records, servedFamilies{network, canDial("127.0.0.1", port), canDial("::1", port)})
		listener.Close()
	}
	if !records[2].From6 {
		return nil, cannotShow("no IPv6 on loopback")
	}
	return records, nil
}

func canDial(host, port string) bool {
	conn, err := net.Dial("tcp", net.JoinHostPort(host, port))
	if err == nil {
		conn.Close()
	}
	return err == nil
}

type dialled struct {
	Network string `json:"network"`
	Dials   bool   `json:"dials"`
	Unknown bool   `json:"unknown_network"`
	Error   string `json:"error,omitempty"`
}

// The names for IP want a protocol after them, and then the right to use it.
func dialIP() (any, error) {
	var records []dialled
	// ANCHOR: dial
	for _, network := range []string{"ip", "ip4", "ip6", "ip4:icmp", "IP4"} {
		conn, err := net.Dial(network, "127.0.0.1")
		unknown := errors.As(err, new(net.UnknownNetworkError))
		records = append(records, dialled{network, err == nil, unknown, said(err)})
		if err == nil {
			conn.Close()
		}
	}
	// ANCHOR_END: dial
	return records, nil
}

type units struct {
	Nanosecond  int64  `json:"nanosecond"`
	Microsecond int64  `json:"microsecond"`
	Millisecond int64  `json:"millisecond"`
	Second      int64  `json:"second"`
	Kind        string `json:"duration_is"`
}

func durations() (any, error) {
	return units{
		int64(time.Nanosecond), int64(time.Microsecond), int64(time.Millisecond), int64(time.Second),
		reflect.TypeOf(time.Second).Kind().String(),
	}, nil
}

type dialLimit struct {
	LimitMs   int64  `json:"limit_ms"`
	ElapsedMs int64  `json:"elapsed_ms"`
	Queries   int32  `json:"queries"`
	Timeout   bool   `json:"timeout"`
	Error     string `json:"error"`
}

// A name server that hears and does not answer: the limit ends the lookup.
func dialTimeout() (any, error) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer server.Close()
	record := dialLimit{LimitMs: 300}
	go func() {
		for query := make([]byte, 512); ; {
			if _, _, err := server.ReadFrom(query); err != nil {
				return
			}
			atomic.AddInt32(&record.Queries, 1)
		}
	}()
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
	defer func() { net.DefaultResolver = &net.Resolver{} }()
	// ANCHOR: dial-timeout
	limit, start := time.Duration(record.LimitMs)*time.Millisecond, time.Now()
	_, err = net.DialTimeout("tcp", "slow.example:80", limit)
	record.ElapsedMs, record.Error = time.Since(start).Milliseconds(), said(err)
	var failed net.Error
	record.Timeout = errors.As(err, &failed) && failed.Timeout()
	// ANCHOR_END: dial-timeout
	if atomic.LoadInt32(&record.Queries) == 0 {
		return nil, cannotShow("this machine does not ask DNS for a name")
	}
	return record, nil
}

type blocking struct {
	Socket      string `json:"socket"`
	NonBlocking bool   `json:"o_nonblock"`
}

// The flag of each socket, as fcntl(2) has it.
func nonBlocking() (any, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	client, server, err := connection()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	defer server.Close()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer packets.Close()
	var records []blocking
	for _, socket := range []struct {
		name string
		any
	}{{"listener", listener}, {"dialled", client}, {"accepted", server}, {"udp", packets}} {
		// ANCHOR: non-blocking
		raw, err := socket.any.(syscall.Conn).SyscallConn()
		if err != nil {
			return nil, err
		}
		record := blocking{Socket: socket.name}
		raw.Control(func(fd uintptr) {
			flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFL, 0)
			record.NonBlocking = errno == 0 && flags&syscall.O_NONBLOCK != 0
		})
		records = append(records, record)
		// ANCHOR_END: non-blocking
	}
	return records, nil
}

type hidden struct {
	Asked      int `json:"asked"`
	KernelTook int `json:"the_kernel_took"`
	Returned   int `json:"write_returned"`
	Received   int `json:"received"`
}

// One write(2) takes what fits, and Write goes on until all is taken.
func partialWrite() (any, error) {
	client, server, err := connection()
	if err != nil {
		return nil, err
	}
	defer server.Close()
	record, data := hidden{}, make([]byte, 16<<20)
	record.Asked = len(data)
	raw, err := client.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, err
	}
	// ANCHOR: partial-write
	err = raw.Write(func(fd uintptr) bool {
		record.KernelTook, _ = syscall.Write(int(fd), data)
		return true
	})
	if err != nil {
		return nil, err
	}
	received := make(chan int64)
	go func() {
		count, _ := io.Copy(io.Discard, server)
		received <- count
	}()
	record.Returned, err = client.Write(data)
	// ANCHOR_END: partial-write
	client.Close()
	record.Received = int(<-received)
	return record, err
}

type partial struct {
	Asked    int `json:"asked"`
	Sent     int `json:"sent"`
	Returned int `json:"read_returned"`
}

// The connection stays open, and there is room for more: Read returns what has come.
func partialRead() (any, error) {
	client, server, err := connection()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	defer server.Close()
	record, b := partial{}, make([]byte, 10)
	record.Asked = len(b)
	record.Sent, err = client.Write([]byte("abc"))
	if err != nil {
		return nil, err
	}
	record.Returned, err = server.Read(b)
	return record, err
}

type methodSet struct {
	Methods []string `json:"methods"`
}

func methods() (any, error) {
	kind, record := reflect.TypeOf((*net.Conn)(nil)).Elem(), methodSet{}
	for i := 0; i < kind.NumMethod(); i++ {
		record.Methods = append(record.Methods, kind.Method(i).Name)
	}
	return record, nil
}
