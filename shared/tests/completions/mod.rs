//! The completions that `make install` installs, tried in the shells that are here: what stands behind a command, the
//! values that it takes, and nothing that is hidden.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::io;
use std::process::Command;

#[path = "../harness/mod.rs"]
mod harness;

/// Each gets the program's name, the file and the words of a line, and prints what the last of them may become.
const SHELLS: [(&str, &[&str], &str); 3] = [
    ("bash", &["--norc", "-c", BASH, "bash"], "bash/{}"),
    ("zsh", &["-f", "-c", ZSH, "zsh"], "zsh/_{}"),
    ("fish", &["--no-config", "--command", FISH], "fish/{}.fish"),
];

/// Calls the function of the program as readline does, to which an equals sign is a word of its own.
const BASH: &str = r#"
    source "$2" || exit
    function=$(complete -p "$1" | grep -o ' -F [^ ]*')
    COMP_WORDS=("$1" "${@:3}") last=${!#}
    [[ $last != *=* ]] || COMP_WORDS=("${COMP_WORDS[@]:0:$# - 2}" "${last%%=*}" = "${last#*=}")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    "${function# -F }" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    printf '%s\n' "${COMPREPLY[@]}"
"#;

/// Completion needs the line editor, and that a terminal: there the matches are written down, and that shell ends.
const ZSH: &str = r#"
    zmodload zsh/zpty || exit
    zpty terminal zsh -f -i
    zpty -w terminal "PROMPT= fpath=(${2:h} \$fpath); autoload -Uz compinit; compinit -C -d ${2:h}/dump"
    zpty -w terminal 'compadd() {
        if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
        local -a found; builtin compadd -A found "$@"; print -rl -- $found >> found
    }
    finish() { exit }; comppostfuncs=(finish)'
    zpty -n -w terminal "$1 ${(pj: :)@[3,-1]}"$'\t'
    while zpty -r terminal; do :; done > /dev/null
    cat found 2> /dev/null || true
"#;

const FISH: &str = "source $argv[2]; complete --do-complete \"$argv[1] $argv[3..]\"";

/// What every program completes: an option, a value, and no command of its own use.
const ALL: [(&[&str], &[&str]); 5] = [
    (&["claims", "--li"], &["--list"]),
    (&["claims", "--lang", ""], &["en", "zh"]),
    (&["claims", "--lang=z"], &["zh"]),
    (&["claims", "--app"], &[]),
    (&["manu"], &[]),
];

/// Completes the last word of each line, in all shells.
pub fn complete(name: &str, program: &str, lines: &[(&[&str], &[&str])]) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let folders = ["man", "bash", "zsh", "fish"].map(|place| folder.path().join(place));
    assert!(Command::new(program).arg("manual").args(&folders).status()?.success());
    for (shell, arguments, file) in SHELLS {
        let Some(shell) = harness::find_tool(shell) else { continue };
        let file = folder.path().join(file.replace("{}", name));
        for (line, expected) in ALL.iter().chain(lines) {
            let mut command = harness::command(&shell, arguments);
            command.arg(name).arg(&file).args(*line);
            assert_eq!(completed(&mut command, line)?, *expected, "{} {name} {line:?}", shell.display());
        }
    }
    Ok(())
}

/// In the order of the alphabet, without what a shell says of each. Options stand beside values in bash.
fn completed(shell: &mut Command, line: &[&str]) -> io::Result<Vec<String>> {
    let nowhere = tempfile::tempdir()?;
    let output = harness::output(shell.current_dir(nowhere.path()).env("TERM", "vt100"))?;
    let asked = value(line.last().unwrap());
    let is_meant = |word: &&str| !word.is_empty() && word.starts_with('-') == asked.starts_with('-');
    let text = harness::text(&output.stdout);
    let mut words: Vec<_> = text.lines().map(|line| value(line.split('\t').next().unwrap())).filter(is_meant).collect();
    words.sort_unstable();
    Ok(words.into_iter().map(str::to_owned).collect())
}

/// What stands behind the equals sign, if there is one.
fn value(word: &str) -> &str {
    word.split_once('=').map_or(word, |(_, value)| value)
}
