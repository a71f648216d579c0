//! The language of `claims`: of its statements and its summary. Everything else is the same in both.
//!
//! Man: locale(7).

use std::env;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Lang {
    /// English.
    En,
    /// Chinese.
    Zh,
}

impl Lang {
    /// The language that the environment asks for.
    pub fn of_environment() -> Lang {
        let locales = ["LC_ALL", "LC_MESSAGES", "LANG"].map(|name| env::var(name).unwrap_or_default());
        Lang::of_locales(&locales)
    }

    /// The first that is set counts, as in locale(7).
    fn of_locales(locales: &[String]) -> Lang {
        let locale = locales.iter().find(|locale| !locale.is_empty());
        if locale.is_some_and(|locale| locale.starts_with("zh")) { Lang::Zh } else { Lang::En }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(locales: [&str; 3]) -> Lang {
        Lang::of_locales(&locales.map(str::to_owned))
    }

    #[test]
    fn chinese_is_for_those_who_ask_for_it() {
        for locale in ["zh", "zh_CN.UTF-8", "zh_TW"] {
            assert_eq!(of(["", "", locale]), Lang::Zh, "{locale}");
        }
        for locale in ["", "C", "C.UTF-8", "POSIX", "en_GB.UTF-8", "de_DE"] {
            assert_eq!(of(["", "", locale]), Lang::En, "{locale}");
        }
    }

    #[test]
    fn the_first_variable_that_is_set_decides() {
        assert_eq!(of(["C", "zh_CN.UTF-8", "zh_CN.UTF-8"]), Lang::En);
        assert_eq!(of(["", "zh_CN.UTF-8", "C"]), Lang::Zh);
    }
}
