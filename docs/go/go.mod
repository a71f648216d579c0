module note

go 1.19
