package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"strings"
)

var pipeSteps = []step{
	{"start-first", startFirst},
	{"types", pipeTypes},
	{"listings", compileListings},
	{"read-line", readLine},
	{"write-to", writeTo},
	{"wait", wait},
	{"os-pipe", osPipe},
	{"pipes-of", pipesOf},
	{"ends", ends},
	{"io-pipe", ioPipe},
	{"atomicity", writers},
	{"by-sync", bySync},
	{"efficiency", efficiency},
}

type lineRead struct {
	Buffer   int    `json:"buffer"`
	Line     int    `json:"line"`
	Pieces   []int  `json:"pieces"`
	IsPrefix []bool `json:"is_prefix"`
}

// A line longer than the buffer comes in pieces.
func readLine() (any, error) {
	record := lineRead{Buffer: 16, Line: 40}
	reader := bufio.NewReaderSize(strings.NewReader(strings.Repeat("x", record.Line)+"\nnext\n"), record.Buffer)
	// ANCHOR: read-line
	for goesOn := true; goesOn; {
		piece, isPrefix, err := reader.ReadLine()
		if err != nil {
			return nil, err
		}
		record.Pieces = append(record.Pieces, len(piece))
		record.IsPrefix = append(record.IsPrefix, isPrefix)
		goesOn = isPrefix
	}
	// ANCHOR_END: read-line
	return record, nil
}

type writtenTo struct {
	Source   int   `json:"source"`
	Buffered int   `json:"buffered"`
	Written  int64 `json:"written"`
}

// WriteTo writes what is buffered, and goes on to the end of the source.
func writeTo() (any, error) {
	record := writtenTo{Source: 100_000}
	// Of a type that has no WriteTo of its own.
	source := struct{ io.Reader }{strings.NewReader(strings.Repeat("x", record.Source))}
	// ANCHOR: write-to
	reader := bufio.NewReader(source)
	if _, err := reader.Peek(1); err != nil {
		return nil, err
	}
	record.Buffered = reader.Buffered()
	var err error
	record.Written, err = reader.WriteTo(&bytes.Buffer{})
	// ANCHOR_END: write-to
	return record, err
}

type taken struct {
	Step   string `json:"step"`
	Result string `json:"result"`
	N      int    `json:"n"`
}

func result(step string, n int, err error) taken {
	if err == nil {
		return taken{step, "done", n}
	}
	return taken{step, err.Error(), n}
}

// Each end refuses what is the other's, and sees when the other is closed.
func osPipe() (any, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	buffer := make([]byte, 10)
	var records []taken
	do := func(step string, call func([]byte) (int, error), bytes []byte) {
		n, err := call(bytes)
		records = append(records, result(step, n, err))
	}
	// ANCHOR: os-pipe
	do("write to the writer", writer.Write, []byte("rest"))
	do("write to the reader", reader.Write, []byte("rest"))
	do("read from the writer", writer.Read, buffer)
	writer.Close()
	do("close the writer, read", reader.Read, buffer)
	do("read again", reader.Read, buffer)
	reader.Close()
	// ANCHOR_END: os-pipe
	reader, writer, err = os.Pipe()
	if err != nil {
		return nil, err
	}
	defer writer.Close()
	reader.Close()
	do("close the reader, write", writer.Write, []byte("rest"))
	return records, nil
}

// No buffer: a write is done when readers have taken all of it, or when an end is closed.
func ioPipe() (any, error) {
	reader, writer := io.Pipe()
	written := make(chan taken)
	write := func(step, text string) {
		n, err := writer.Write([]byte(text))
		written <- result(step, n, err)
	}
	var records []taken
	read := func() {
		buffer := make([]byte, 4)
		n, err := reader.Read(buffer)
		records = append(records, result("read "+string(buffer[:n]), n, err))
	}
	// ANCHOR: io-pipe
	go write("write abcdef", "abcdef")
	read()
	read()
	records = append(records, <-written)
	go write("write 9 bytes, close the reader with an error", "123456789")
	read()
	reader.CloseWithError(io.ErrNoProgress)
	records = append(records, <-written)
	writer.CloseWithError(io.ErrShortWrite)
	// ANCHOR_END: io-pipe
	read()
	return records, nil
}

type torn struct {
	Via      string `json:"via"`
	Writers  int    `json:"writers"`
	Size     int    `json:"size"`
	Messages int    `json:"messages"`
	Torn     int    `json:"torn"`
}

// Goroutines that share an end are kept apart by its lock, whatever they write.
func writers() (any, error) {
	file, end, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	memory, memoryEnd := io.Pipe()
	return []torn{
		write("os-file", file, end),
		write("io-pipe", memory, memoryEnd),
	}, nil
}

func write(via string, reader io.Reader, writer io.WriteCloser) torn {
	record := torn{Via: via, Writers: 4, Size: 100_001, Messages: 40}
	// ANCHOR: writers
	go func() {
		atOnce(record.Writers, func(nth int) {
			message := bytes.Repeat([]byte{byte('a' + nth)}, record.Size)
			for i := 0; i < record.Messages/record.Writers; i++ {
				writer.Write(message)
			}
		})
		writer.Close()
	}()
	// ANCHOR_END: writers
	message := make([]byte, record.Size)
	for {
		if _, err := io.ReadFull(reader, message); err != nil {
			return record
		}
		if bytes.Count(message, message[:1]) != record.Size {
			record.Torn++
		}
	}
}
