package main

import (
	"bufio"
	"io"
	"os"
	"reflect"
	"strings"
)

var writeSteps = []step{{"writer", writer}, {"large", largeWrites}, {"flush", flush}, {"reset", reset}}

type writerIs struct {
	Methods  []string `json:"methods"`
	Size     int      `json:"size"`
	AskedFor int      `json:"asked_for"`
	Got      int      `json:"got"`
}

func writer() (any, error) {
	kind := reflect.TypeOf(&bufio.Writer{})
	record := writerIs{Size: bufio.NewWriter(io.Discard).Size(), AskedFor: 10_000}
	record.Got = bufio.NewWriterSize(io.Discard, record.AskedFor).Size()
	for i := 0; i < kind.NumMethod(); i++ {
		record.Methods = append(record.Methods, kind.Method(i).Name)
	}
	return record, nil
}

// calls keeps how much each Write that reached it brought.
type calls []int

func (calls *calls) Write(b []byte) (int, error) {
	*calls = append(*calls, len(b))
	return len(b), nil
}

type largeWrite struct {
	Size     int   `json:"buffer"`
	Buffered int   `json:"buffered"`
	Written  int   `json:"write"`
	Passed   calls `json:"went_on"`
	Kept     int   `json:"kept"`
}

// What a Write passes on, and what stays in the buffer.
func largeWrites() (any, error) {
	var records []largeWrite
	for _, sizes := range [][2]int{{0, 5000}, {1000, 10_000}, {1000, 4000}, {0, 4096}} {
		record := largeWrite{Buffered: sizes[0], Written: sizes[1], Passed: calls{}}
		writer := bufio.NewWriter(&record.Passed)
		record.Size = writer.Size()
		for _, size := range sizes {
			if _, err := writer.Write(make([]byte, size)); err != nil {
				return nil, err
			}
		}
		record.Kept = writer.Buffered()
		records = append(records, record)
	}
	return records, nil
}

type flushed struct {
	Size     int    `json:"buffer"`
	Written  int    `json:"write"`
	Passed   calls  `json:"went_on"`
	Flushed  calls  `json:"went_on_by_flush"`
	Kept     int    `json:"kept"`
	NextFull string `json:"flush_to_a_full_device"`
	Fails    bool   `json:"fails_there"`
}

// A buffer of one's own size keeps what a default one would pass on; Flush passes it on, or says why it cannot.
func flush() (any, error) {
	record := flushed{Size: 10_000, Written: 5000, Passed: calls{}}
	var went calls
	// ANCHOR: flush
	writer := bufio.NewWriterSize(&went, record.Size)
	if _, err := writer.Write(make([]byte, record.Written)); err != nil {
		return nil, err
	}
	record.Passed = append(record.Passed, went...)
	if err := writer.Flush(); err != nil {
		return nil, err
	}
	record.Flushed, record.Kept = went[len(record.Passed):], writer.Buffered()
	// ANCHOR_END: flush
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		return nil, cannotShow(err.Error())
	}
	defer full.Close()
	writer.Reset(full)
	if _, err := writer.WriteString("27"); err != nil {
		return nil, err
	}
	err = writer.Flush()
	record.NextFull, record.Fails = said(err), err != nil
	return record, nil
}

type reused struct {
	ReadFrom int64 `json:"read_from"`
	Passed   calls `json:"went_on"`
	Kept     int   `json:"kept"`
	Reset    int   `json:"kept_after_reset"`
	Flushed  calls `json:"flushed"`
}

// ReadFrom leaves a rest in the buffer, and Reset forgets it; Flush passes it on.
func reset() (any, error) {
	record := reused{Passed: calls{}}
	writer := bufio.NewWriter(&record.Passed)
	var err error
	source := struct{ io.Reader }{strings.NewReader(strings.Repeat("x", 10_000))}
	if record.ReadFrom, err = writer.ReadFrom(source); err != nil {
		return nil, err
	}
	record.Kept = writer.Buffered()
	writer.Reset(&record.Flushed)
	record.Reset = writer.Buffered()
	if _, err := writer.WriteString("27"); err != nil {
		return nil, err
	}
	return record, writer.Flush()
}
