package main

import (
	"go/ast"
	"go/types"
	"io"
	"os"
	"strings"
	"syscall"
	"time"
)

type syncFields struct {
	Of     string   `json:"of"`
	Fields []string `json:"fields_of_package_sync"`
}

// The source of package io: what its pipe has of package sync.
func bySync() (any, error) {
	files, err := library("io")
	if err != nil {
		return nil, err
	}
	record := syncFields{Of: "pipe"}
	inspect(files, func(node ast.Node) {
		spec, isType := node.(*ast.TypeSpec)
		if !isType || spec.Name.Name != record.Of {
			return
		}
		for _, field := range spec.Type.(*ast.StructType).Fields.List {
			if kind := types.ExprString(field.Type); strings.HasPrefix(kind, "sync.") {
				record.Fields = append(record.Fields, kind)
			}
		}
	})
	return record, nil
}

type cost struct {
	Size      int     `json:"size"`
	Messages  int     `json:"messages"`
	IoPipe    float64 `json:"io_pipe_us"`
	OsPipe    float64 `json:"os_pipe_us"`
	IoPipeCPU float64 `json:"io_pipe_cpu_us"`
	OsPipeCPU float64 `json:"os_pipe_cpu_us"`
}

// What a message costs, small and large, on its way from one goroutine to another.
func efficiency() (any, error) {
	var records []cost
	for _, size := range []int{16, 64 << 10} {
		record := cost{Size: size, Messages: 4000}
		reader, writer, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		record.OsPipe, record.OsPipeCPU = carry(reader, writer, size, record.Messages)
		memory, memoryEnd := io.Pipe()
		record.IoPipe, record.IoPipeCPU = carry(memory, memoryEnd, size, record.Messages)
		records = append(records, record)
	}
	return records, nil
}

func carry(reader io.Reader, writer io.WriteCloser, size, messages int) (wall, cpu float64) {
	start, used := time.Now(), usedCPU()
	go func() {
		for i, message := 0, make([]byte, size); i < messages; i++ {
			writer.Write(message)
		}
		writer.Close()
	}()
	for buffer := make([]byte, size); ; {
		if _, err := reader.Read(buffer); err != nil {
			break
		}
	}
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(messages) }
	return each(time.Since(start)), each(usedCPU() - used)
}

func usedCPU() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
