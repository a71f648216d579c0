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

var loopback = net.IPv4(127, 0, 0, 1)

// connection is two ends of a TCP connection.
func connection() (client, server *net.TCPConn) {
	listener := must(net.ListenTCP("tcp", &net.TCPAddr{IP: loopback}))
	defer listener.Close()
	client = must(net.DialTCP("tcp", nil, listener.Addr().(*net.TCPAddr)))
	return client, must(listener.AcceptTCP())
}

// Each name for a network, given to Listen.
func listenOnAll() {
	folder := must(os.MkdirTemp("", "note"))
	defer os.RemoveAll(folder)
	path, host := filepath.Join(folder, "socket"), "localhost:0"
	for _, name := range []struct{ network, address string }{
		{"tcp", host}, {"tcp4", host}, {"tcp6", "[::1]:0"}, {"unix", path}, {"unixpacket", path},
		{"udp", host}, {"unixgram", path}, {"ip", "127.0.0.1"}, {"sctp", host}, {"TCP", host},
	} {
		listenOn(name.network, name.address)
		os.Remove(path)
	}
}

func listenOn(network, address string) {
	// ANCHOR: listen-on
	listener, err := net.Listen(network, address)
	listens, accepts := err == nil, false
	unknown := errors.As(err, new(net.UnknownNetworkError))
	if listens {
		accepts, err = canAccept(listener)
		listener.Close()
	}
	// ANCHOR_END: listen-on
	record("network", network, "listens", listens, "can_accept", accepts, "unknown_network", unknown, "error", err)
}

// Nobody comes: who can accept waits until the deadline.
func canAccept(listener net.Listener) (bool, error) {
	listener.(interface{ SetDeadline(time.Time) error }).SetDeadline(time.Now().Add(10 * time.Millisecond))
	_, err := listener.Accept()
	if isTimeout(err) {
		return true, nil
	}
	return false, err
}

var (
	domainNames   = map[int]string{syscall.AF_INET: "AF_INET", syscall.AF_INET6: "AF_INET6", syscall.AF_UNIX: "AF_UNIX"}
	typeNames     = map[int]string{syscall.SOCK_STREAM: "SOCK_STREAM", syscall.SOCK_DGRAM: "SOCK_DGRAM", syscall.SOCK_SEQPACKET: "SOCK_SEQPACKET"}
	protocolNames = map[int]string{0: "0", syscall.IPPROTO_TCP: "TCP", syscall.IPPROTO_UDP: "UDP"}
)

// Each name of the note's table, and what its socket says of itself.
func literals() {
	folder := must(os.MkdirTemp("", "note"))
	defer os.RemoveAll(folder)
	for _, network := range []string{"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "unix", "unixgram", "unixpacket"} {
		socket, err := bind(network, filepath.Join(folder, network))
		if errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL) {
			need(err)
		}
		check(err)
		raw := must(socket.(syscall.Conn).SyscallConn())
		check(raw.Control(func(fd uintptr) {
			option := func(name int) int {
				value, _ := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, name)
				return value
			}
			domain, kind := domainNames[option(syscall.SO_DOMAIN)], typeNames[option(syscall.SO_TYPE)]
			protocol := protocolNames[option(syscall.SO_PROTOCOL)]
			record("network", network, "domain", domain, "type", kind, "protocol", protocol)
		}))
		socket.Close()
	}
}

func bind(network, path string) (io.Closer, error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
		return net.Listen(network, ":0")
	case "udp", "udp4", "udp6":
		return net.ListenPacket(network, ":0")
	case "unixgram":
		return net.ListenPacket(network, path)
	}
	return net.Listen(network, path)
}

// Who can connect to a listener on all addresses.
func families() {
	probe, err := net.Listen("tcp6", "[::1]:0")
	need(err)
	probe.Close()
	for _, network := range []string{"tcp", "tcp4", "tcp6"} {
		listener := must(net.Listen(network, ":0"))
		_, port, err := net.SplitHostPort(listener.Addr().String())
		check(err)
		record("network", network, "from_127.0.0.1", canDial("127.0.0.1", port), "from_::1", canDial("::1", port))
		listener.Close()
	}
}

func canDial(host, port string) bool {
	conn, err := net.Dial("tcp", net.JoinHostPort(host, port))
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// The names for IP want a protocol after them, and then the right to use it.
func dialIP() {
	// ANCHOR: dial
	for _, network := range []string{"ip", "ip4", "ip6", "ip4:icmp", "IP4"} {
		conn, err := net.Dial(network, "127.0.0.1")
		unknown, dials := errors.As(err, new(net.UnknownNetworkError)), err == nil
		record("network", network, "dials", dials, "unknown_network", unknown, "error", err)
		if dials {
			conn.Close()
		}
	}
	// ANCHOR_END: dial
}

func durations() {
	record(
		"nanosecond", int(time.Nanosecond), "microsecond", int(time.Microsecond),
		"millisecond", int(time.Millisecond), "second", int(time.Second),
		"duration_is", reflect.TypeOf(time.Second).Kind().String(),
	)
}

// A name server that hears and does not answer: the limit ends the lookup.
func dialTimeout() {
	server := must(net.ListenPacket("udp", "127.0.0.1:0"))
	defer server.Close()
	var queries atomic.Int32
	go func() {
		for query := make([]byte, 512); ; queries.Add(1) {
			if _, _, err := server.ReadFrom(query); err != nil {
				return
			}
		}
	}()
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("udp", server.LocalAddr().String())
	}}
	defer func() { net.DefaultResolver = &net.Resolver{} }()
	const limit = 300 * time.Millisecond
	// ANCHOR: dial-timeout
	start := time.Now()
	_, err := net.DialTimeout("tcp", "slow.example:80", limit)
	elapsed := time.Since(start)
	var failed net.Error
	isTimeout := errors.As(err, &failed) && failed.Timeout()
	// ANCHOR_END: dial-timeout
	if queries.Load() == 0 {
		need(errors.New("this machine does not ask DNS for a name"))
	}
	record(
		"limit_ms", limit.Milliseconds(), "elapsed_ms", elapsed.Milliseconds(), "queries", queries.Load(),
		"timeout", isTimeout, "error", err,
	)
}

// The flag of each socket, as fcntl(2) has it.
func nonBlocking() {
	listener := must(net.ListenTCP("tcp", &net.TCPAddr{IP: loopback}))
	defer listener.Close()
	client, server := connection()
	defer client.Close()
	defer server.Close()
	packets := must(net.ListenUDP("udp", &net.UDPAddr{IP: loopback}))
	defer packets.Close()
	show := func(name string, socket syscall.Conn) {
		// ANCHOR: non-blocking
		raw := must(socket.SyscallConn())
		check(raw.Control(func(fd uintptr) {
			flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFL, 0)
			record("socket", name, "o_nonblock", errno == 0 && flags&syscall.O_NONBLOCK != 0)
		}))
		// ANCHOR_END: non-blocking
	}
	show("listener", listener)
	show("dialled", client)
	show("accepted", server)
	show("udp", packets)
}

// One write(2) takes what fits, and Write goes on until all is taken.
func partialWrite() {
	client, server := connection()
	defer server.Close()
	data := make([]byte, 16<<20)
	raw := must(client.SyscallConn())
	received := make(chan int64)
	var kernelTook int
	// ANCHOR: partial-write
	check(raw.Write(func(fd uintptr) bool {
		kernelTook, _ = syscall.Write(int(fd), data)
		return true
	}))
	go func() {
		count, _ := io.Copy(io.Discard, server)
		received <- count
	}()
	returned := must(client.Write(data))
	// ANCHOR_END: partial-write
	client.Close()
	record("asked", len(data), "the_kernel_took", kernelTook, "write_returned", returned, "received", <-received)
}

// The connection stays open, and there is room for more: Read returns what has come.
func partialRead() {
	client, server := connection()
	defer client.Close()
	defer server.Close()
	buffer := make([]byte, 10)
	sent := must(client.Write([]byte("abc")))
	record("asked", len(buffer), "sent", sent, "read_returned", must(server.Read(buffer)))
}

func methods() {
	record("methods", methodsOf(reflect.TypeOf((*net.Conn)(nil)).Elem()))
}
