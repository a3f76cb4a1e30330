//! Puts values into a template (fluxcd/pkg, `envsubst/template.go`).

use super::{Expansion, ExpressionError, Node, Operator, Template, function};

/// Default of [`Meter::size`], in bytes: far over what an API server takes as one object.
const MAX_SIZE: usize = 16 << 20;
/// Default of [`Meter::steps`]: about a tenth of a second.
const MAX_STEPS: u64 = 50_000_000;

/// What an expansion may still use. Values come from users and expressions multiply them
/// (`${v//a/${w}}`), so without a bound a small manifest could fill the memory.
#[derive(Debug, Clone)]
pub struct Meter {
    /// Bytes that may still be written, intermediate results included.
    pub size: usize,
    /// Comparisons that patterns may still make.
    pub steps: u64,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            size: MAX_SIZE,
            steps: MAX_STEPS,
        }
    }
}

impl Meter {
    pub(super) fn write(&mut self, bytes: usize) -> Result<(), ExpressionError> {
        self.size = self
            .size
            .checked_sub(bytes)
            .ok_or(ExpressionError::TooLarge)?;
        Ok(())
    }

    pub(super) fn step(&mut self, steps: usize) -> Result<(), ExpressionError> {
        self.steps = self
            .steps
            .checked_sub(steps as u64)
            .ok_or(ExpressionError::TooCostly)?;
        Ok(())
    }
}

type Lookup<'l, 'v> = &'l dyn Fn(&str) -> Option<&'v str>;

pub(super) fn template(
    template: &Template,
    lookup: Lookup<'_, '_>,
    meter: &mut Meter,
) -> Result<String, ExpressionError> {
    let mut output = String::new();
    for piece in &template.nodes {
        node(piece, lookup, meter, &mut output)?;
    }
    Ok(output)
}

fn node(
    node: &Node,
    lookup: Lookup<'_, '_>,
    meter: &mut Meter,
    output: &mut String,
) -> Result<(), ExpressionError> {
    match node {
        Node::Text(text) => {
            meter.write(text.len())?;
            output.push_str(text);
        }
        Node::Expansion(inner) => output.push_str(&expansion(inner, lookup, meter)?),
    }
    Ok(())
}

fn expansion(
    expansion: &Expansion,
    lookup: Lookup<'_, '_>,
    meter: &mut Meter,
) -> Result<String, ExpressionError> {
    // Arguments first: a variable that is not set inside of a default that is not needed is still
    // an error.
    let mut arguments = Vec::with_capacity(expansion.arguments.len());
    for argument in &expansion.arguments {
        let mut text = String::new();
        node(argument, lookup, meter, &mut text)?;
        arguments.push(text);
    }
    let variable = expansion.variable.as_str();
    let value = match lookup(variable) {
        Some(value) => value,
        None if expansion.operator == Operator::Default => "",
        None => return Err(ExpressionError::NotSet(variable.to_owned())),
    };
    function::apply(expansion.operator, variable, value, &arguments, meter)
}
