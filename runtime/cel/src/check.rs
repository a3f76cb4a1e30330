//! The types of an expression before it runs, as cel-go's checker finds them.

mod functions;
mod types;

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr,
};

use functions::{Resolution, resolve};
use types::{Bindings, Type, join};

/// What is wrong, and with which part.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Issue {
    pub(crate) id: u64,
    pub(crate) message: String,
}

/// The type of the result in cel-go's notation, with the named variables being JSON objects.
pub(crate) fn output_type(expression: &IdedExpr, variables: &[&str]) -> Result<String, Issue> {
    let object = || Type::map(Type::String, Type::Dyn);
    let names = variables
        .iter()
        .map(|name| ((*name).to_owned(), object()))
        .collect();
    let found = Checker { names }.check(expression)?;
    Ok(found.settled().to_string())
}

struct Checker {
    /// Innermost last.
    names: Vec<(String, Type)>,
}

impl Checker {
    fn check(&mut self, expression: &IdedExpr) -> Result<Type, Issue> {
        let issue = |message: String| Issue {
            id: expression.id,
            message,
        };
        match &expression.expr {
            Expr::Literal(literal) => Ok(literal_type(literal)),
            Expr::Ident(name) => self.name(name).ok_or_else(|| issue(undeclared(name))),
            Expr::Select(select) => self.select(select, expression.id),
            Expr::Call(call) => self.call(call, expression.id),
            Expr::List(list) => {
                let mut elements = Type::Free;
                for (index, element) in list.elements.iter().enumerate() {
                    let mut found = self.check(element)?;
                    if list.optional_indices.contains(&index) {
                        found = found.unwrapped();
                    }
                    elements = homogeneous(&elements, &found, element.id)?;
                }
                Ok(Type::list(elements))
            }
            Expr::Map(map) => {
                let (mut keys, mut values) = (Type::Free, Type::Free);
                for entry in &map.entries {
                    let EntryExpr::MapEntry(entry) = &entry.expr else {
                        continue;
                    };
                    keys = homogeneous(&keys, &self.check(&entry.key)?, entry.key.id)?;
                    let mut value = self.check(&entry.value)?;
                    if entry.optional {
                        value = value.unwrapped();
                    }
                    values = homogeneous(&values, &value, entry.value.id)?;
                }
                Ok(Type::map(keys, values))
            }
            Expr::Struct(fields) => Err(issue(undeclared(&fields.type_name))),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Unspecified => Err(issue("unspecified expression".to_owned())),
        }
    }

    fn name(&self, name: &str) -> Option<Type> {
        let known = self.names.iter().rev().find(|(known, _)| known == name);
        known
            .map(|(_, found)| found.clone())
            .or_else(|| types::type_name(name))
    }

    fn select(&mut self, select: &SelectExpr, id: u64) -> Result<Type, Issue> {
        let operand = self.check(&select.operand)?;
        let is_optional = matches!(operand, Type::Optional(_));
        let field = match operand.unwrapped() {
            Type::Map(_, value) => *value,
            Type::Dyn | Type::Free => Type::Dyn,
            other => {
                let message = format!("type '{other}' does not support field selection");
                return Err(Issue { id, message });
            }
        };
        Ok(match (select.test, is_optional) {
            (true, _) => Type::Bool,
            (false, true) => Type::optional(field),
            (false, false) => field,
        })
    }

    fn call(&mut self, call: &CallExpr, id: u64) -> Result<Type, Issue> {
        let mut arguments = call
            .args
            .iter()
            .map(|argument| self.check(argument))
            .collect::<Result<Vec<_>, _>>()?;
        let qualified = call.target.as_ref().and_then(|target| match &target.expr {
            Expr::Ident(namespace) if self.name(namespace).is_none() => {
                Some(format!("{namespace}.{}", call.func_name))
            }
            _ => None,
        });
        let (name, is_member) = match (&qualified, &call.target) {
            (Some(name), _) if functions::is_declared(name) => (name.as_str(), false),
            (_, Some(target)) => {
                arguments.insert(0, self.check(target)?);
                (call.func_name.as_str(), true)
            }
            (_, None) => (call.func_name.as_str(), false),
        };
        match resolve(name, is_member, &arguments) {
            Resolution::Found(found) => Ok(found),
            Resolution::Undeclared => Err(Issue {
                id,
                message: undeclared(name),
            }),
            Resolution::NoOverload => {
                let shown: Vec<String> = arguments
                    .into_iter()
                    .map(|argument| argument.settled().to_string())
                    .collect();
                let applied = match shown.split_first() {
                    Some((target, rest)) if is_member => format!("{target}.({})", rest.join(", ")),
                    _ => format!("({})", shown.join(", ")),
                };
                let message =
                    format!("found no matching overload for '{name}' applied to '{applied}'");
                Err(Issue { id, message })
            }
        }
    }

    fn comprehension(&mut self, comprehension: &ComprehensionExpr) -> Result<Type, Issue> {
        let range = self.check(&comprehension.iter_range)?;
        let (first, second) = match range {
            Type::List(element) => match comprehension.iter_var2 {
                Some(_) => (Type::Int, *element),
                None => (*element, Type::Free),
            },
            Type::Map(key, value) => (*key, *value),
            Type::Dyn | Type::Free => (Type::Dyn, Type::Dyn),
            other => {
                let message = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                return Err(Issue {
                    id: comprehension.iter_range.id,
                    message,
                });
            }
        };
        let collected = self.check(&comprehension.accu_init)?;
        let outer = self.names.len();
        self.names
            .push((comprehension.accu_var.clone(), collected.clone()));
        self.names
            .push((comprehension.iter_var.clone(), first.settled()));
        if let Some(name) = &comprehension.iter_var2 {
            self.names.push((name.clone(), second.settled()));
        }
        let condition = self.check(&comprehension.loop_cond)?;
        expect(&Type::Bool, &condition, comprehension.loop_cond.id)?;
        let step = self.check(&comprehension.loop_step)?;
        expect(&collected, &step, comprehension.loop_step.id)?;
        self.names.truncate(outer);
        self.names
            .push((comprehension.accu_var.clone(), join(&collected, &step)));
        let result = self.check(&comprehension.result);
        self.names.truncate(outer);
        result
    }
}

fn literal_type(literal: &LiteralValue) -> Type {
    match literal {
        LiteralValue::Boolean(_) => Type::Bool,
        LiteralValue::Bytes(_) => Type::Bytes,
        LiteralValue::Double(_) => Type::Double,
        LiteralValue::Int(_) => Type::Int,
        LiteralValue::Null => Type::Null,
        LiteralValue::String(_) => Type::String,
        LiteralValue::UInt(_) => Type::Uint,
    }
}

fn undeclared(name: &str) -> String {
    format!("undeclared reference to '{name}' (in container '')")
}

fn expect(expected: &Type, actual: &Type, id: u64) -> Result<(), Issue> {
    if Bindings::default().accepts(expected, actual) {
        return Ok(());
    }
    let message = format!("expected type '{expected}' but found '{actual}'");
    Err(Issue { id, message })
}

/// Literals hold values of one type, or of unknown ones.
fn homogeneous(so_far: &Type, found: &Type, id: u64) -> Result<Type, Issue> {
    expect(so_far, found, id)?;
    Ok(join(so_far, found))
}
