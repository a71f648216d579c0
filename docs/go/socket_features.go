package main

import (
	"net"
	"os"
	"path/filepath"
	"time"
)

var featureSteps = []step{{"boundaries", boundaries}, {"both-directions", bothDirections}}

type received struct {
	Network string   `json:"network"`
	Sent    []string `json:"sent"`
	Read    []string `json:"read"`
}

// Three messages over each network of the Unix domain: what Read makes of them.
func boundaries() (any, error) {
	var records []received
	for _, network := range []string{"unix", "unixgram", "unixpacket"} {
		record := received{Network: network, Sent: []string{"one", "two", "three"}}
		writer, reader, err := unixPair(network)
		if err != nil {
			return nil, err
		}
		// ANCHOR: boundaries
		for _, message := range record.Sent {
			if _, err := writer.Write([]byte(message)); err != nil {
				return nil, err
			}
		}
		reader.SetReadDeadline(time.Now().Add(patience))
		for got, b := 0, make([]byte, 100); got < len("onetwothree"); {
			n, err := reader.Read(b)
			if err != nil {
				return nil, err
			}
			got += n
			record.Read = append(record.Read, string(b[:n]))
		}
		// ANCHOR_END: boundaries
		writer.Close()
		reader.Close()
		records = append(records, record)
	}
	return records, nil
}

// unixPair is two sockets, the first of which can send to the second.
func unixPair(network string) (writer, reader net.Conn, err error) {
	folder, err := os.MkdirTemp("", "note")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(folder)
	address := &net.UnixAddr{Name: filepath.Join(folder, "socket"), Net: network}
	if network == "unixgram" {
		if reader, err = net.ListenUnixgram(network, address); err != nil {
			return nil, nil, err
		}
		writer, err = net.Dial(network, address.Name)
		return writer, reader, err
	}
	listener, err := net.ListenUnix(network, address)
	if err != nil {
		return nil, nil, err
	}
	defer listener.Close()
	if writer, err = net.Dial(network, address.Name); err != nil {
		return nil, nil, err
	}
	reader, err = listener.Accept()
	return writer, reader, err
}

type conversation struct {
	Received []string `json:"received"`
	Answers  []string `json:"answers"`
}

// One UDP socket receives and answers.
func bothDirections() (any, error) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer server.Close()
	record, b := conversation{}, make([]byte, 100)
	for _, ping := range []string{"ping", "ping of a third"} {
		client, err := net.Dial("udp", server.LocalAddr().String())
		if err != nil {
			return nil, err
		}
		defer client.Close()
		if _, err := client.Write([]byte(ping)); err != nil {
			return nil, err
		}
		// ANCHOR: both-directions
		n, peer, err := server.ReadFrom(b)
		if err != nil {
			return nil, err
		}
		record.Received = append(record.Received, string(b[:n]))
		if _, err := server.WriteTo([]byte("pong"), peer); err != nil {
			return nil, err
		}
		if n, err = client.Read(b); err != nil {
			return nil, err
		}
		record.Answers = append(record.Answers, string(b[:n]))
		// ANCHOR_END: both-directions
	}
	return record, nil
}
