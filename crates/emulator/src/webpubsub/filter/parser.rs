//! Parses a filter into a tree. From low to high precedence: `or`, `and`, one comparison, `not`. As in the service,
//! syntax errors take precedence: type errors and unknown names are reported only once the whole text was parsed.

use super::expression::{Comparison, Expression};
use super::function::Function;
use super::lexer::{Lexer, Problem, Token};
use super::value::{Kind, Value};

/// The service's documentation recommends fewer than about 100.
const MAX_CLAUSES: usize = 100;
/// Keeps a hostile filter from exhausting the stack.
const MAX_NESTED: usize = 50;

/// Parses a complete filter.
pub(super) fn parse(text: &str) -> Result<Expression, Problem> {
    let mut parser = Parser::new(text)?;
    let whole = parser.or()?;
    parser.take(&Token::End)?;
    let expression = parser.bound(whole, Kind::Boolean, "the filter");
    parser.mismatch.map_or(Ok(expression), Err)
}

/// A parser with one token of lookahead.
struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token,
    /// The end of `token`.
    end: usize,
    clauses: usize,
    nested: usize,
    /// The first unknown name or type mismatch.
    mismatch: Option<Problem>,
}

/// An expression, its type, and its end.
struct Typed {
    expression: Expression,
    kind: Kind,
    end: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Self, Problem> {
        let mut lexer = Lexer::new(text);
        let token = lexer.next()?;
        let end = lexer.position;
        Ok(Self { lexer, token, end, clauses: 1, nested: 0, mismatch: None })
    }

    fn or(&mut self) -> Result<Typed, Problem> {
        let mut left = self.and()?;
        while self.is_word("or") {
            let right = self.clause(Self::and)?;
            left = self.join("or", left, right, Expression::Or);
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Typed, Problem> {
        let mut left = self.comparison()?;
        while self.is_word("and") {
            let right = self.clause(Self::comparison)?;
            left = self.join("and", left, right, Expression::And);
        }
        Ok(left)
    }

    /// The clause after `and` or `or`.
    fn clause(&mut self, read: fn(&mut Self) -> Result<Typed, Problem>) -> Result<Typed, Problem> {
        self.clauses += 1;
        if self.clauses > MAX_CLAUSES {
            return Err(Problem::rule(format!("More than {MAX_CLAUSES} clauses"), self.end));
        }
        self.advance()?;
        read(self)
    }

    fn join(
        &mut self,
        word: &str,
        left: Typed,
        right: Typed,
        make: fn(Box<Expression>, Box<Expression>) -> Expression,
    ) -> Typed {
        let end = right.end;
        let left = self.bound(left, Kind::Boolean, word);
        let right = self.bound(right, Kind::Boolean, word);
        Typed { expression: make(Box::new(left), Box::new(right)), kind: Kind::Boolean, end }
    }

    /// At most one comparison: `a eq b eq c` needs parentheses.
    fn comparison(&mut self) -> Result<Typed, Problem> {
        let left = self.unary()?;
        let Token::Word(word) = &self.token else { return Ok(left) };
        if word == "in" {
            self.advance()?;
            return self.membership(left);
        }
        let Some(comparison) = Comparison::named(word) else { return Ok(left) };
        let word = word.clone();
        self.advance()?;
        let right = self.unary()?;
        let comparable = |kind| kind != Kind::Boolean || !comparison.is_order();
        if !left.kind.fits(right.kind) || !comparable(left.kind) || !comparable(right.kind) {
            let message =
                format!("Type error: '{word}' between {} and {}", left.kind.name(), right.kind.name());
            self.mismatch(message, right.end);
        }
        let expression =
            Expression::Compare(comparison, Box::new(left.expression), Box::new(right.expression));
        Ok(Typed { expression, kind: Kind::Boolean, end: right.end })
    }

    /// The operand after `in`: `groups`, or literals in parentheses.
    fn membership(&mut self, member: Typed) -> Result<Typed, Problem> {
        if self.is_groups() {
            let end = self.advance()?;
            let member = Box::new(self.bound(member, Kind::Text, "in groups"));
            return Ok(Typed { expression: Expression::InGroups(member), kind: Kind::Boolean, end });
        }
        self.take(&Token::Open)?;
        let mut list = Vec::new();
        loop {
            let end = self.end;
            let value = self.literal()?.ok_or_else(|| Problem::syntax(end))?;
            self.check(Kind::of(&value), member.kind, "a list", end);
            list.push(value);
            if self.token != Token::Comma {
                break;
            }
            self.advance()?;
        }
        let end = self.take(&Token::Close)?;
        let expression = Expression::InList(Box::new(member.expression), list);
        Ok(Typed { expression, kind: Kind::Boolean, end })
    }

    fn unary(&mut self) -> Result<Typed, Problem> {
        if !self.is_word("not") {
            return self.primary();
        }
        self.advance()?;
        let operand = self.nest(Self::unary)?;
        let end = operand.end;
        let operand = Box::new(self.bound(operand, Kind::Boolean, "not"));
        Ok(Typed { expression: Expression::Not(operand), kind: Kind::Boolean, end })
    }

    fn primary(&mut self) -> Result<Typed, Problem> {
        let end = self.end;
        if let Some(value) = self.literal()? {
            return Ok(Typed { kind: Kind::of(&value), expression: Expression::Literal(value), end });
        }
        match std::mem::replace(&mut self.token, Token::End) {
            Token::Open => {
                self.advance()?;
                let inner = self.nest(Self::or)?;
                let end = self.take(&Token::Close)?;
                Ok(Typed { end, ..inner })
            }
            Token::Word(word) => {
                self.advance()?;
                if self.token == Token::Open { self.call(&word, end) } else { Ok(self.name(&word, end)) }
            }
            _ => Err(Problem::syntax(end)),
        }
    }

    fn name(&mut self, word: &str, end: usize) -> Typed {
        let (expression, kind) = match word {
            _ if word.eq_ignore_ascii_case("userId") => (Expression::UserId, Kind::Text),
            _ if word.eq_ignore_ascii_case("connectionId") => (Expression::ConnectionId, Kind::Text),
            _ if word.eq_ignore_ascii_case("groups") => {
                self.mismatch("Type error: 'groups' outside of 'in' and length()".to_owned(), end);
                (Expression::Literal(Value::Null), Kind::Null)
            }
            _ => {
                self.mismatch(format!("Unknown name '{word}'"), end);
                (Expression::Literal(Value::Null), Kind::Null)
            }
        };
        Typed { expression, kind, end }
    }

    /// The arguments of a function whose name was read.
    fn call(&mut self, word: &str, word_end: usize) -> Result<Typed, Problem> {
        self.advance()?;
        if word == "length" && self.is_groups() {
            self.advance()?;
            let end = self.take(&Token::Close)?;
            return Ok(Typed { expression: Expression::GroupCount, kind: Kind::Integer, end });
        }
        let mut arguments = Vec::new();
        while self.token != Token::Close {
            if !arguments.is_empty() {
                self.take(&Token::Comma)?;
            }
            arguments.push(self.nest(Self::or)?);
        }
        let end = self.take(&Token::Close)?;
        let Some(function) = Function::named(word) else {
            self.mismatch(format!("Unknown function '{word}'"), word_end);
            return Ok(Typed { expression: Expression::Literal(Value::Null), kind: Kind::Null, end });
        };
        let kinds = function.parameters();
        if !(function.required()..=kinds.len()).contains(&arguments.len()) {
            self.mismatch(format!("Wrong number of arguments of '{word}'"), end);
        }
        let arguments = arguments.into_iter().zip(kinds);
        let arguments = arguments.map(|(argument, kind)| self.bound(argument, *kind, word)).collect();
        Ok(Typed { expression: Expression::Call(function, arguments), kind: function.result(), end })
    }

    /// Consumes a literal, if it is next.
    fn literal(&mut self) -> Result<Option<Value<'static>>, Problem> {
        let value = match &self.token {
            Token::Text(text) => Value::from(text.clone()),
            Token::Integer(number) => Value::Integer(*number),
            Token::Word(word) if word == "true" => Value::Boolean(true),
            Token::Word(word) if word == "false" => Value::Boolean(false),
            Token::Word(word) if word == "null" => Value::Null,
            _ => return Ok(None),
        };
        self.advance()?;
        Ok(Some(value))
    }

    fn nest<T>(&mut self, read: fn(&mut Self) -> Result<T, Problem>) -> Result<T, Problem> {
        if self.nested == MAX_NESTED {
            return Err(Problem::rule(format!("Nested more than {MAX_NESTED} deep"), self.end));
        }
        self.nested += 1;
        let inner = read(self)?;
        self.nested -= 1;
        Ok(inner)
    }

    /// Returns the expression, and records a mismatch if it has another type.
    fn bound(&mut self, typed: Typed, wanted: Kind, place: &str) -> Expression {
        self.check(typed.kind, wanted, place, typed.end);
        typed.expression
    }

    fn check(&mut self, kind: Kind, wanted: Kind, place: &str, end: usize) {
        if !kind.fits(wanted) {
            self.mismatch(format!("Type error: {} for {} in '{place}'", kind.name(), wanted.name()), end);
        }
    }

    fn mismatch(&mut self, message: String, end: usize) {
        self.mismatch.get_or_insert(Problem::rule(message, end));
    }

    fn is_word(&self, expected: &str) -> bool {
        matches!(&self.token, Token::Word(word) if word == expected)
    }

    fn is_groups(&self) -> bool {
        matches!(&self.token, Token::Word(word) if word.eq_ignore_ascii_case("groups"))
    }

    /// Consumes this token and returns its end.
    fn take(&mut self, expected: &Token) -> Result<usize, Problem> {
        if self.token == *expected { self.advance() } else { Err(Problem::syntax(self.end)) }
    }

    fn advance(&mut self) -> Result<usize, Problem> {
        let end = self.end;
        self.token = self.lexer.next()?;
        self.end = self.lexer.position;
        Ok(end)
    }
}
