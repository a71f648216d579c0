package main

import (
	"net"
	"os"
	"path/filepath"
	"time"
)

// Three messages over each network of the Unix domain: what Read makes of them.
func boundaries() {
	for _, network := range []string{"unix", "unixgram", "unixpacket"} {
		writer, reader := unixPair(network)
		reader.SetReadDeadline(time.Now().Add(patience))
		sent := []string{"one", "two", "three"}
		var read []string
		// ANCHOR: boundaries
		for _, message := range sent {
			must(writer.Write([]byte(message)))
		}
		for got, b := 0, make([]byte, 100); got < len("onetwothree"); {
			n := must(reader.Read(b))
			got += n
			read = append(read, string(b[:n]))
		}
		// ANCHOR_END: boundaries
		writer.Close()
		reader.Close()
		record("network", network, "sent", sent, "read", read)
	}
}

// unixPair is two sockets, the first of which can send to the second.
func unixPair(network string) (writer, reader net.Conn) {
	folder := must(os.MkdirTemp("", "note"))
	defer os.RemoveAll(folder)
	address := &net.UnixAddr{Name: filepath.Join(folder, "socket"), Net: network}
	if network == "unixgram" {
		reader = must(net.ListenUnixgram(network, address))
		return must(net.DialUnix(network, nil, address)), reader
	}
	listener := must(net.ListenUnix(network, address))
	defer listener.Close()
	return must(net.DialUnix(network, nil, address)), must(listener.Accept())
}

// One UDP socket receives and answers.
func bothDirections() {
	server := must(net.ListenPacket("udp", "127.0.0.1:0"))
	defer server.Close()
	b := make([]byte, 100)
	var received, answers []string
	for _, ping := range []string{"ping", "ping of a third"} {
		client := must(net.Dial("udp", server.LocalAddr().String()))
		defer client.Close()
		must(client.Write([]byte(ping)))
		// ANCHOR: both-directions
		n, peer, err := server.ReadFrom(b)
		check(err)
		received = append(received, string(b[:n]))
		must(server.WriteTo([]byte("pong"), peer))
		n = must(client.Read(b))
		answers = append(answers, string(b[:n]))
		// ANCHOR_END: both-directions
	}
	record("received", received, "answers", answers)
}
