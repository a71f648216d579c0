package main

import (
	"go/ast"
	"go/types"
	"strconv"
	"syscall"
)

type constantsOf struct {
	Constants int      `json:"constants"`
	Numbers   []int    `json:"numbers"`
	Array     string   `json:"string_looks_into"`
	Lengths   int      `json:"texts"`
	Beyond    string   `json:"string_of_40"`
	More      []string `json:"second_names"`
}

// The source of package syscall: constants of type Signal, and the array that String looks into.
func constants() (any, error) {
	files, err := library("syscall")
	if err != nil {
		return nil, err
	}
	record := constantsOf{Beyond: syscall.Signal(40).String()}
	seen := map[int]bool{}
	inspect(files, func(node ast.Node) {
		switch node := node.(type) {
		case *ast.ValueSpec:
			number, isSignal := signalNumber(node)
			if isSignal && seen[number] {
				record.More = append(record.More, node.Names[0].Name)
			} else if isSignal {
				seen[number] = true
			}
			if isSignal {
				record.Constants++
			}
			if len(node.Values) == 1 && len(node.Names) == 1 && node.Names[0].Name == record.Array {
				record.Lengths = len(node.Values[0].(*ast.CompositeLit).Elts)
			}
		case *ast.FuncDecl:
			if node.Name.Name == "String" && receiver(node) == "Signal" {
				record.Array = indexed(node)
			}
		}
	})
	for number := 1; number <= 64; number++ {
		if seen[number] {
			record.Numbers = append(record.Numbers, number)
		}
	}
	return record, nil
}

// signalNumber is N of a constant that is declared as NAME = Signal(N).
func signalNumber(spec *ast.ValueSpec) (number int, isSignal bool) {
	if len(spec.Values) != 1 {
		return 0, false
	}
	call, isCall := spec.Values[0].(*ast.CallExpr)
	if !isCall || types.ExprString(call.Fun) != "Signal" || len(call.Args) != 1 {
		return 0, false
	}
	literal, err := strconv.ParseInt(types.ExprString(call.Args[0]), 0, 0)
	return int(literal), err == nil
}

func receiver(function *ast.FuncDecl) string {
	if function.Recv == nil {
		return ""
	}
	return types.ExprString(function.Recv.List[0].Type)
}

// indexed is the name of what a function looks into by an index.
func indexed(function *ast.FuncDecl) (name string) {
	ast.Inspect(function, func(node ast.Node) bool {
		if index, isIndex := node.(*ast.IndexExpr); isIndex && name == "" {
			name = types.ExprString(index.X)
		}
		return true
	})
	return name
}

type registryOf struct {
	Field   string `json:"field"`
	Type    string `json:"type"`
	Deletes string `json:"stop_deletes"`
}

// The source of os/signal: what leads from a channel to its set, and what Stop does with it.
func registry() (any, error) {
	files, err := library("os/signal")
	if err != nil {
		return nil, err
	}
	record := registryOf{}
	inspect(files, func(node ast.Node) {
		switch node := node.(type) {
		case *ast.Field:
			if kind, isMap := node.Type.(*ast.MapType); isMap && len(node.Names) == 1 {
				record.Field, record.Type = node.Names[0].Name, types.ExprString(kind)
			}
		case *ast.FuncDecl:
			if node.Name.Name == "Stop" {
				record.Deletes = deleted(node)
			}
		}
	})
	return record, nil
}

func deleted(function *ast.FuncDecl) (what string) {
	ast.Inspect(function, func(node ast.Node) bool {
		if call, isCall := node.(*ast.CallExpr); isCall && types.ExprString(call.Fun) == "delete" {
			what = types.ExprString(call)
		}
		return true
	})
	return what
}
