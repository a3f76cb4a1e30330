//! Flags as pflag and cobra read them, with their words for what is wrong: the commands that stand in for programs
//! written with those (kustomize, flux) take the same command lines.

use std::fmt::Write as _;

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    Switch,
    Text,
    /// Repeatable, each value as it is.
    Texts,
    /// Repeatable, each value a list with commas.
    List,
}

/// One flag of a command.
pub(crate) struct Flag {
    pub(crate) name: &'static str,
    pub(crate) short: Option<char>,
    pub(crate) takes: Takes,
    pub(crate) default: &'static str,
    pub(crate) help: &'static str,
    /// What to use instead: the flag still works, with a warning, and is left out of the help.
    pub(crate) deprecated: Option<&'static str>,
}

impl Flag {
    const fn new(
        name: &'static str,
        takes: Takes,
        default: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            name,
            short: None,
            takes,
            default,
            help,
            deprecated: None,
        }
    }

    pub(crate) const fn switch(name: &'static str, help: &'static str) -> Self {
        Self::new(name, Takes::Switch, "", help)
    }

    pub(crate) const fn text(
        name: &'static str,
        default: &'static str,
        help: &'static str,
    ) -> Self {
        Self::new(name, Takes::Text, default, help)
    }

    pub(crate) const fn texts(name: &'static str, help: &'static str) -> Self {
        Self::new(name, Takes::Texts, "", help)
    }

    pub(crate) const fn list(name: &'static str, help: &'static str) -> Self {
        Self::new(name, Takes::List, "", help)
    }

    pub(crate) const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    pub(crate) const fn deprecated(mut self, instead: &'static str) -> Self {
        self.deprecated = Some(instead);
        self
    }

    /// As errors name it.
    fn shown(&self) -> String {
        match self.short {
            Some(short) if self.deprecated.is_none() => format!("-{short}, --{}", self.name),
            _ => format!("--{}", self.name),
        }
    }
}

/// What a command is, for `--help`.
pub(crate) struct Command {
    pub(crate) usage: &'static str,
    pub(crate) about: &'static str,
    pub(crate) examples: &'static str,
    pub(crate) flags: &'static [Flag],
}

/// A command line taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parsed {
    given: Vec<(&'static str, String)>,
    pub(crate) arguments: Vec<String>,
    /// `-h` or `--help` was given.
    pub(crate) help: bool,
    /// Lines about deprecated flags.
    pub(crate) warnings: Vec<String>,
}

const HELP: Flag = Flag::switch("help", "Print this help").short('h');

impl Command {
    /// Takes `arguments` apart.
    pub(crate) fn parse(&self, arguments: &[String]) -> Result<Parsed, String> {
        let mut parsed = Parsed::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                parsed.arguments.extend(rest.cloned());
                break;
            }
            if let Some(long) = argument.strip_prefix("--") {
                if long.starts_with(['-', '=']) {
                    return Err(format!("bad flag syntax: {argument}"));
                }
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None => (long, None),
                };
                let flag = self
                    .find(|flag| flag.name == name)
                    .ok_or_else(|| format!("unknown flag: --{name}"))?;
                let value = match value {
                    None if flag.takes == Takes::Switch => "true",
                    None => rest
                        .next()
                        .ok_or_else(|| format!("flag needs an argument: --{name}"))?,
                    Some(value) => value,
                };
                parsed.set(flag, value)?;
            } else if let Some(shorts) = argument
                .strip_prefix('-')
                .filter(|shorts| !shorts.is_empty())
            {
                self.parse_shorts(shorts, &mut rest, &mut parsed)?;
            } else {
                parsed.arguments.push(argument.clone());
            }
        }
        Ok(parsed)
    }

    fn parse_shorts(
        &self,
        shorts: &str,
        rest: &mut std::slice::Iter<'_, String>,
        parsed: &mut Parsed,
    ) -> Result<(), String> {
        let mut characters = shorts.chars();
        let mut remaining = shorts;
        while let Some(short) = characters.next() {
            let flag = self
                .find(|flag| flag.short == Some(short))
                .ok_or_else(|| format!("unknown shorthand flag: '{short}' in -{remaining}"))?;
            let following = characters.as_str();
            let value = match following.strip_prefix('=') {
                Some(value) if !value.is_empty() => value,
                _ if flag.takes == Takes::Switch => {
                    parsed.set(flag, "true")?;
                    remaining = following;
                    continue;
                }
                _ if !following.is_empty() => following,
                _ => rest
                    .next()
                    .ok_or_else(|| format!("flag needs an argument: '{short}' in -{remaining}"))?,
            };
            return parsed.set(flag, value);
        }
        Ok(())
    }

    fn find(&self, wanted: impl Fn(&Flag) -> bool) -> Option<&'static Flag> {
        static HELP_FLAG: Flag = HELP;
        self.flags
            .iter()
            .find(|flag| wanted(flag))
            .or_else(|| Some(&HELP_FLAG).filter(|flag| wanted(flag)))
    }

    /// The text of `--help`.
    pub(crate) fn help(&self) -> String {
        let mut rows: Vec<(String, String)> = Vec::new();
        for flag in self
            .flags
            .iter()
            .chain(std::iter::once(&HELP))
            .filter(|flag| flag.deprecated.is_none())
        {
            let short = flag
                .short
                .map_or_else(|| "    ".to_owned(), |short| format!("-{short}, "));
            let value = match flag.takes {
                Takes::Switch => "",
                Takes::Text => " <text>",
                Takes::Texts => " <text>...",
                Takes::List => " <list>",
            };
            let default = match flag.default {
                "" => String::new(),
                default => format!(" [default: {default}]"),
            };
            rows.push((
                format!("{short}--{}{value}", flag.name),
                format!("{}{default}", flag.help),
            ));
        }
        let width = rows
            .iter()
            .map(|(name, _)| name.len())
            .max()
            .unwrap_or_default();
        let mut text = format!(
            "{}\n\nUsage:\n  {}\n\nExamples:\n{}\n\nFlags:\n",
            self.about, self.usage, self.examples
        );
        for (name, help) in rows {
            let _ = writeln!(text, "  {name:width$}  {help}");
        }
        text
    }
}

impl Parsed {
    fn set(&mut self, flag: &'static Flag, value: &str) -> Result<(), String> {
        let mut value = value.to_owned();
        if flag.takes == Takes::Switch {
            let on = parse_bool(&value).ok_or_else(|| {
                format!(
                    "invalid argument {} for {} flag: strconv.ParseBool: parsing {}: invalid syntax",
                    quoted(&value),
                    quoted(&flag.shown()),
                    quoted(&value)
                )
            })?;
            value = on.to_string();
        }
        if let Some(instead) = flag.deprecated {
            self.warnings.push(format!(
                "Flag --{} has been deprecated, {instead}",
                flag.name
            ));
        }
        if flag.name == HELP.name {
            self.help = value == "true";
        }
        self.given.push((flag.name, value));
        Ok(())
    }

    /// The last value given.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.given
            .iter()
            .rev()
            .find(|(given, _)| *given == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn switch(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }

    /// The items of a [`Takes::List`] flag: fields as in a line of CSV.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let values = self.given.iter().filter(|(given, _)| *given == name);
        values.flat_map(|(_, value)| fields(value)).collect()
    }
}

/// Go's `strconv.ParseBool`.
fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// One line of CSV: a field that holds commas stands in quotes, a quote in it is doubled.
fn fields(line: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut rest = Some(line).filter(|line| !line.is_empty());
    while let Some(text) = rest {
        let mut field = String::new();
        let mut characters = text.char_indices().peekable();
        let mut in_quotes = characters
            .next_if(|(_, character)| *character == '"')
            .is_some();
        rest = None;
        while let Some((at, character)) = characters.next() {
            match character {
                '"' if in_quotes => match characters.next_if(|(_, next)| *next == '"') {
                    Some(_) => field.push('"'),
                    None => in_quotes = false,
                },
                ',' if !in_quotes => {
                    rest = Some(&text[at + 1..]);
                    break;
                }
                character => field.push(character),
            }
        }
        fields.push(field);
    }
    fields
}

/// Text in Go's `%q` form, for arguments.
pub(crate) fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.escape_debug().to_string().replace("\\'", "'")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: Command = Command {
        usage: "x",
        about: "y",
        examples: "z",
        flags: &[
            Flag::switch("all", "").short('a'),
            Flag::text("output", "", "").short('o'),
            Flag::texts("env", "").short('e'),
            Flag::list("paths", ""),
            Flag::text("old", "", "").deprecated("use the new"),
        ],
    };

    fn parse(arguments: &[&str]) -> Result<Parsed, String> {
        let arguments: Vec<String> = arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect();
        COMMAND.parse(&arguments)
    }

    #[test]
    fn values_come_in_every_way_that_pflag_knows() {
        for arguments in [
            &["-ox"][..],
            &["-o", "x"],
            &["-o=x"],
            &["--output=x"],
            &["--output", "x"],
            &["-aox"],
        ] {
            assert_eq!(
                parse(arguments).unwrap().text("output"),
                Some("x"),
                "{arguments:?}"
            );
        }
        let parsed = parse(&["dir", "--all=f", "--env", "A=1", "-e", "B=2", "--", "-o"]).unwrap();
        assert!(!parsed.switch("all"));
        assert_eq!(parsed.arguments, ["dir", "-o"]);
        assert_eq!(
            parse(&["--paths", "a,\"b,\"\"c\"", "--paths=d"])
                .unwrap()
                .list("paths"),
            ["a", "b,\"c", "d"]
        );
    }

    /// Texts printed by kustomize v5.8.1.
    #[test]
    fn errors_are_those_of_pflag() {
        let error = |arguments: &[&str]| parse(arguments).unwrap_err();
        assert_eq!(error(&["--nope"]), "unknown flag: --nope");
        assert_eq!(error(&["-x"]), "unknown shorthand flag: 'x' in -x");
        assert_eq!(error(&["--output"]), "flag needs an argument: --output");
        assert_eq!(error(&["-o"]), "flag needs an argument: 'o' in -o");
        assert_eq!(error(&["--=x"]), "bad flag syntax: --=x");
        assert_eq!(
            error(&["--all=maybe"]),
            "invalid argument \"maybe\" for \"-a, --all\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax"
        );
    }

    #[test]
    fn deprecated_flags_work_and_warn() {
        let parsed = parse(&["--old", "x"]).unwrap();
        assert_eq!(parsed.text("old"), Some("x"));
        assert_eq!(
            parsed.warnings,
            ["Flag --old has been deprecated, use the new"]
        );
        assert!(!COMMAND.help().contains("--old"));
    }
}
