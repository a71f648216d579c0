# Fills a picture: {{name}} is a value, {{style}} the file style.svg, {{dots NAME X Y}} and {{boxes NAME X Y}} as many
# marks as a value says, and {{filled}} the slots of a pipe.

FNR == NR { value[$1] = $2; next }
FNR == 1 { value["slots"] = value["capacity"] / value["page"]; value["slots_height"] = height() }

/{{style}}/ { while ((getline line < "source/style.svg") > 0) print line; next }
/{{filled}}/ { fill(); next }

{
    while (match($0, /{{[a-z_ 0-9]+}}/)) {
        split(substr($0, RSTART + 2, RLENGTH - 4), word, " ")
        $0 = substr($0, 1, RSTART - 1) filled(word) substr($0, RSTART + RLENGTH)
        delete word
    }
    print
}

function filled(word) {
    if (word[1] == "dots" || word[1] == "boxes") return marks(word[1], known(word[2]), word[3], word[4])
    return known(word[1])
}

function known(name) {
    if (!(name in value)) { print FILENAME ": no value " name > "/dev/stderr"; exit 1 }
    return value[name]
}

# A row of marks around x.
function marks(shape, count, x, y,    nth, all, step) {
    step = shape == "dots" ? 14 : 28
    for (nth = 0; nth < count; nth++) {
        at = x + (nth - (count - 1) / 2) * step
        if (shape == "dots") all = all sprintf("<circle class=\"dot\" cx=\"%s\" cy=\"%s\" r=\"5\"/>", at, y)
        else all = all sprintf("<rect class=\"one\" x=\"%s\" y=\"%s\" width=\"22\" height=\"24\"/>", at - 11, y)
    }
    return all
}

function height() { return 40 + 52 * int((value["slots"] + 3) / 4) + 52 }

# As pipe_write does it: what is over a multiple of a page goes behind the bytes of the last page, if there is room for
# it; all else takes pages of its own.
function fill(    slots, page, rest, part, total, writes, slot) {
    slots = value["slots"]; page = value["page"]
    while (slot < slots) {
        rest = value["size"]
        writes++
        if (slot > 0 && rest % page > 0 && bytes[slot] + rest % page <= page) {
            total += add(slot, rest % page)
            rest -= rest % page
        }
        while (rest > 0 && slot < slots) {
            part = rest < page ? rest : page
            total += add(++slot, part)
            rest -= part
        }
    }
    if (total != value["until_eagain"]) {
        print FILENAME ": " total " bytes are drawn, but " value["until_eagain"] " were seen" > "/dev/stderr"
        exit 1
    }
    for (slot = 1; slot <= slots; slot++) draw(slot, page)
    sum(writes, rest)
}

function add(slot, count) {
    bytes[slot] += count
    text[slot] = text[slot] (text[slot] == "" ? "" : " + ") count
    return count
}

function draw(slot, page,    x, y, width) {
    x = 16 + 83 * ((slot - 1) % 4)
    y = 40 + 52 * int((slot - 1) / 4)
    width = 79 * bytes[slot] / page
    printf "<rect class=\"box\" x=\"%s\" y=\"%s\" width=\"79\" height=\"42\"/>", x, y
    printf "<rect class=\"%s\" x=\"%s\" y=\"%s\" width=\"%.1f\" height=\"42\"/>", width < 79 ? "two" : "one", x, y, width < 3 ? 3 : width
    printf "<text class=\"code mid\" x=\"%s\" y=\"%s\">%s</text>\n", x + 39.5, y + 26, text[slot]
}

function sum(writes, missing,    y) {
    y = height() - 30
    printf "<text class=\"code\" x=\"16\" y=\"%s\">%s x %s + %s = %s</text>\n", y, writes - 1, value["size"], value["size"] - missing, value["until_eagain"]
    printf "<text class=\"dim\" x=\"16\" y=\"%s\">%s bytes unused 没有用上</text>\n", y + 19, value["capacity"] - value["until_eagain"]
}
