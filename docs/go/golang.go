package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// golang is a go command in a folder, where it also has its temporary files, also those that it leaves when it is
// killed. It takes neither the network nor another toolchain.
func golang(folder string, arguments ...string) *exec.Cmd {
	cmd := exec.Command("go", arguments...)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local", "GOPROXY=off", "GOFLAGS=-mod=mod", "GOWORK=off", "CGO_ENABLED=0")
	cmd.Env = append(cmd.Env, "GOTMPDIR="+folder)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// library is the source of a package of the standard library, as it is built here.
func library(name string) ([]*ast.File, error) {
	said, err := golang(os.TempDir(), "list", "-f", "{{.Dir}}{{range .GoFiles}}\n{{.}}{{end}}", name).Output()
	if err != nil {
		return nil, cannotShow("go list has no " + name)
	}
	names := strings.Split(strings.TrimSpace(string(said)), "\n")
	var files []*ast.File
	for _, file := range names[1:] {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(names[0], file), nil, 0)
		if err != nil {
			return nil, err
		}
		files = append(files, parsed)
	}
	return files, nil
}

// inspect visits every node of files.
func inspect(files []*ast.File, visit func(ast.Node)) {
	for _, file := range files {
		ast.Inspect(file, func(node ast.Node) bool {
			visit(node)
			return true
		})
	}
}
