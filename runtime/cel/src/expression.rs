use cel::common::ast::{EntryExpr, Expr};
use cel::{Context, ParseErrors, Value};
use serde_json::Value as Json;

use crate::environment::environment;
use crate::error::{Error, reason};
use crate::{budget, check, value};

/// Longer expressions, in bytes, are refused.
const MAX_LENGTH: usize = 8 << 10;
/// Brackets and conditions nested deeper are refused: the parser recurses into them.
const MAX_NESTING: usize = 48;
/// Trees deeper than this are refused: evaluation recurses into them.
const MAX_DEPTH: usize = 100;
/// The parser recurses along chains of fields as well, which are as long as the text allows.
const PARSER_STACK: usize = 256 << 20;

/// A boolean expression that was read once and can be evaluated for many objects.
#[derive(Debug, Clone)]
pub struct Expression {
    text: String,
    /// With what bounds its cost put in.
    tree: cel::IdedExpr,
}

impl Expression {
    /// Reads an expression about objects of unknown shape: nothing is known of its variables, nor of
    /// its result, before it runs (fluxcd/pkg, `runtime/cel`, `NewExpression` without `WithCompile`).
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (mut tree, _) = parse(text)?;
        budget::instrument(&mut tree);
        Ok(Self {
            text: text.to_owned(),
            tree,
        })
    }

    /// Reads an expression about the objects that `variables` name, and checks its types: the result
    /// must be known to be a boolean. A bare field is of unknown type; compare it with something.
    pub fn compile(text: &str, variables: &[&str]) -> Result<Self, Error> {
        let (mut tree, places) = parse(text)?;
        let actual = check::output_type(&tree, variables).map_err(|issue| Error::Parse {
            expression: text.to_owned(),
            reason: show(text, places.place(issue.id), &issue.message),
        })?;
        if actual != "bool" {
            return Err(Error::OutputType {
                expected: "bool",
                actual,
            });
        }
        budget::instrument(&mut tree);
        Ok(Self {
            text: text.to_owned(),
            tree,
        })
    }

    /// An expression that tells whether a dependency is ready: `self` is the object that waits, `dep`
    /// the one it waits for (kustomize-controller, `evalReadyExpr`).
    pub fn ready(text: &str) -> Result<Self, Error> {
        Self::compile(text, &["self", "dep"])
    }

    /// The expression as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Evaluates a [`Expression::ready`] expression.
    pub fn is_ready(&self, waiting: &Json, dependency: &Json) -> Result<bool, Error> {
        self.evaluate([("self", waiting), ("dep", dependency)])
    }

    /// The answer for these values of its variables.
    pub fn evaluate<'a>(
        &self,
        variables: impl IntoIterator<Item = (&'a str, &'a Json)>,
    ) -> Result<bool, Error> {
        let failed = |reason: String| Error::Evaluation {
            expression: self.text.clone(),
            reason,
        };
        let mut context = Context::with_env(environment().map_err(failed)?);
        let used = self.tree.references();
        for (name, json) in variables
            .into_iter()
            .filter(|(name, _)| used.has_variable(name))
        {
            context.add_variable_from_value(name, value::from_json(json));
        }
        match budget::within(|| Value::resolve(&self.tree, &context)) {
            Ok(Value::Bool(answer)) => Ok(answer),
            Ok(_) => Err(Error::NotBoolean {
                expression: self.text.clone(),
            }),
            Err(error) => Err(failed(reason(&error))),
        }
    }
}

/// Where the parts of an expression stand in its text.
struct Places(cel::Program);

impl Places {
    /// Line and column of a part, both counted from one.
    fn place(&self, id: u64) -> (usize, usize) {
        let info = self.0.source_info();
        let start = info.offset_for(id).map_or(0, |(start, _)| start as usize);
        let before: String = info.source.chars().take(start).collect();
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .map_or(0, |rest| rest.chars().count())
            + 1;
        (line, column)
    }
}

fn parse(text: &str) -> Result<(cel::IdedExpr, Places), Error> {
    let failed = |reason: String| Error::Parse {
        expression: text.to_owned(),
        reason,
    };
    if text.len() > MAX_LENGTH {
        return Err(failed(format!(
            "expression size exceeds limit: {MAX_LENGTH}"
        )));
    }
    if nesting(text) > MAX_NESTING {
        return Err(failed(format!(
            "expression nesting exceeds limit: {MAX_NESTING}"
        )));
    }
    let environment = environment().map_err(failed)?;
    let compile = || {
        let program = environment
            .compile(text)
            .map_err(|errors| issues(text, &errors))?;
        // Here, where a deep tree can also be dropped.
        if is_deeper(program.expression(), MAX_DEPTH) {
            return Err(format!("expression depth exceeds limit: {MAX_DEPTH}"));
        }
        Ok(program)
    };
    // The stack is address space until it is used, and expressions are read once in a reconcile.
    let program = std::thread::scope(|scope| {
        let parser = std::thread::Builder::new()
            .name("cel-parser".to_owned())
            .stack_size(PARSER_STACK);
        let parser = parser
            .spawn_scoped(scope, compile)
            .map_err(|error| format!("cannot start the parser: {error}"))?;
        parser
            .join()
            .unwrap_or_else(|_| Err("the parser failed".to_owned()))
    });
    let program = program.map_err(failed)?;
    Ok((program.expression().clone(), Places(program)))
}

/// How deep brackets stand in each other at most, and how many conditions there are. What stands in
/// texts is counted too, which only matters for strange ones.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest, mut conditions) = (0_usize, 0, 0);
    let mut before = ' ';
    for character in text.chars() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            // Not `.?` and `[?`.
            '?' if !matches!(before, '.' | '[') => conditions += 1,
            _ => {}
        }
        deepest = deepest.max(depth);
        before = character;
    }
    deepest.max(conditions)
}

fn is_deeper(expression: &cel::IdedExpr, limit: usize) -> bool {
    let Some(limit) = limit.checked_sub(1) else {
        return true;
    };
    let is_deep = |inner: &cel::IdedExpr| is_deeper(inner, limit);
    match &expression.expr {
        Expr::Call(call) => {
            call.target.as_deref().is_some_and(is_deep) || call.args.iter().any(is_deep)
        }
        Expr::Select(select) => is_deep(&select.operand),
        Expr::List(list) => list.elements.iter().any(is_deep),
        Expr::Map(map) => map
            .entries
            .iter()
            .any(|entry| entry_is_deep(&entry.expr, is_deep)),
        Expr::Struct(fields) => fields
            .entries
            .iter()
            .any(|entry| entry_is_deep(&entry.expr, is_deep)),
        Expr::Comprehension(inner) => {
            let parts = [
                &inner.iter_range,
                &inner.accu_init,
                &inner.loop_cond,
                &inner.loop_step,
                &inner.result,
            ];
            parts.into_iter().any(is_deep)
        }
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => false,
    }
}

fn entry_is_deep(entry: &EntryExpr, is_deep: impl Fn(&cel::IdedExpr) -> bool) -> bool {
    match entry {
        EntryExpr::StructField(field) => is_deep(&field.value),
        EntryExpr::MapEntry(entry) => is_deep(&entry.key) || is_deep(&entry.value),
    }
}

fn issues(text: &str, errors: &ParseErrors) -> String {
    let shown = errors.errors.iter().map(|error| {
        let place = |position: isize| usize::try_from(position).unwrap_or(1).max(1);
        show(text, (place(error.pos.0), place(error.pos.1)), &error.msg)
    });
    shown.collect::<Vec<_>>().join("\n")
}

/// An issue as cel-go shows it: place, message, the line, and a caret under the place.
fn show(text: &str, (line, column): (usize, usize), message: &str) -> String {
    let source = text.lines().nth(line - 1).unwrap_or_default();
    format!(
        "ERROR: <input>:{line}:{column}: {message}\n | {source}\n | {}^",
        ".".repeat(column - 1)
    )
}
