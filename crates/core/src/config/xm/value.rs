//! What expressions are worth. Lists, tuples and dictionaries lie in a [`Heap`], by number: values
//! are small, nothing refers to itself on the stack, and all of it ends with the run.

use std::rc::Rc;

use super::ast::Def;
use super::cause::Cause;
use super::text::Str;

#[derive(Clone, Debug)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(Rc<Str>),
    /// A number from the command line, which is a text there: it is taken as what is wanted.
    Given(Rc<Str>, i128),
    List(Id),
    Tuple(Id),
    Dict(Id),
    /// A function of the file, and a tuple of what its names are by default.
    Def(Rc<Def>, Id),
    /// A function that Python has.
    Builtin(&'static str),
    /// `os`, `re` and the like: all of them ask the machine.
    Module,
    /// `xm_vars`, by which a file declares what it wants from the command line.
    XmVars,
    /// What cannot be known, and why.
    Unknown(Cause),
}

/// The number of a list, a tuple or a dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id(usize);

#[derive(Debug)]
enum Object {
    Items(Vec<Value>),
    Pairs(Vec<(Value, Value)>),
    Spoiled(Cause),
}

#[derive(Debug, Default)]
pub(super) struct Heap {
    objects: Vec<Object>,
}

impl Heap {
    /// The number the next object gets: whatever is older has a lower one.
    pub(super) fn mark(&self) -> Id {
        Id(self.objects.len())
    }

    fn add(&mut self, object: Object) -> Id {
        let id = self.mark();
        self.objects.push(object);
        id
    }

    pub(super) fn list(&mut self, items: Vec<Value>) -> Value {
        Value::List(self.add(Object::Items(items)))
    }

    pub(super) fn tuple(&mut self, items: Vec<Value>) -> Value {
        Value::Tuple(self.add(Object::Items(items)))
    }

    pub(super) fn dict(&mut self, pairs: Vec<(Value, Value)>) -> Value {
        Value::Dict(self.add(Object::Pairs(pairs)))
    }

    /// The elements of a list or tuple.
    pub(super) fn items(&self, id: Id) -> Result<&[Value], Cause> {
        match self.objects.get(id.0) {
            Some(Object::Items(items)) => Ok(items),
            Some(Object::Spoiled(cause)) => Err(*cause),
            _ => Ok(&[]),
        }
    }

    /// The pairs of a dictionary, in the order in which they were put in.
    pub(super) fn pairs(&self, id: Id) -> Result<&[(Value, Value)], Cause> {
        match self.objects.get(id.0) {
            Some(Object::Pairs(pairs)) => Ok(pairs),
            Some(Object::Spoiled(cause)) => Err(*cause),
            _ => Ok(&[]),
        }
    }

    pub(super) fn set_pairs(&mut self, id: Id, pairs: Vec<(Value, Value)>) {
        if let Some(object) = self.objects.get_mut(id.0) {
            *object = Object::Pairs(pairs);
        }
    }

    pub(super) fn set_items(&mut self, id: Id, items: Vec<Value>) {
        if let Some(object) = self.objects.get_mut(id.0) {
            *object = Object::Items(items);
        }
    }

    /// Nobody knows any more what is in it.
    pub(super) fn spoil(&mut self, id: Id, cause: Cause) {
        if let Some(object) = self.objects.get_mut(id.0) {
            *object = Object::Spoiled(cause);
        }
    }
}

impl Value {
    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "True or False",
            Self::Int(_) | Self::Given(..) => "a number",
            Self::Float(_) => "a fraction",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Tuple(_) => "a tuple",
            Self::Dict(_) => "a dictionary",
            Self::Def(..) | Self::Builtin(_) => "a function",
            Self::Module | Self::XmVars => "a module",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Its text, if it is one.
    pub(super) fn text(&self) -> Option<&Rc<Str>> {
        match self {
            Self::Text(text) | Self::Given(text, _) => Some(text),
            _ => None,
        }
    }

    /// Its whole number, if it is one.
    pub(super) fn int(&self) -> Option<i128> {
        match self {
            Self::Int(value) | Self::Given(_, value) => Some(*value),
            Self::Bool(value) => Some(i128::from(*value)),
            _ => None,
        }
    }

    /// Its number as a fraction, if it is one.
    #[expect(clippy::cast_precision_loss, reason = "as Python does")]
    pub(super) fn float(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            _ => self.int().map(|value| value as f64),
        }
    }
}
