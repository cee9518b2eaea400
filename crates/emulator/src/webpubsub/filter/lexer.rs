//! Splits the text of a filter into tokens, each with the position at which it ends.

/// A token of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name, an operator, `true`, `false`, or `null`.
    Word(String),
    Text(String),
    Integer(i64),
    Open,
    Close,
    Comma,
    End,
}

/// A problem, and the number of characters up to it.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) position: usize,
}

/// The characters that are not read yet.
pub(super) struct Lexer<'a> {
    rest: &'a str,
    /// The number of characters that have been read: the end of the last token.
    pub(super) position: usize,
}

impl Problem {
    pub(super) fn syntax(position: usize) -> Self {
        Self::rule("Syntax error".to_owned(), position)
    }

    pub(super) fn rule(message: String, position: usize) -> Self {
        Self { message, position }
    }
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, position: 0 }
    }

    /// Returns the next token, or [`Token::End`] at the end of the text and after it.
    pub(super) fn next(&mut self) -> Result<Token, Problem> {
        self.take_while(char::is_whitespace);
        let Some(first) = self.rest.chars().next() else { return Ok(Token::End) };
        match first {
            '(' => Ok(self.single(Token::Open)),
            ')' => Ok(self.single(Token::Close)),
            ',' => Ok(self.single(Token::Comma)),
            '\'' => self.text(),
            '-' | '0'..='9' => self.integer(),
            'a'..='z' | 'A'..='Z' | '_' => Ok(Token::Word(self.take_while(is_word).to_owned())),
            _ => Err(Problem::syntax(self.position + 1)),
        }
    }

    fn single(&mut self, token: Token) -> Token {
        self.take(1);
        token
    }

    /// A quoted text, in which `''` is one quote.
    fn text(&mut self) -> Result<Token, Problem> {
        let mut text = String::new();
        self.take(1);
        loop {
            text += self.take_while(|c| c != '\'');
            if self.rest.is_empty() {
                return Err(Problem::syntax(self.position));
            }
            self.take(1);
            if !self.rest.starts_with('\'') {
                return Ok(Token::Text(text));
            }
            self.take(1);
            text.push('\'');
        }
    }

    fn integer(&mut self) -> Result<Token, Problem> {
        let digits_from = usize::from(self.rest.starts_with('-'));
        let length =
            self.rest[digits_from..].find(|c| !is_word(c)).map_or(self.rest.len(), |end| digits_from + end);
        self.take(length).parse().map(Token::Integer).map_err(|_| Problem::syntax(self.position))
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        self.take(end)
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.position += taken.chars().count();
        self.rest = rest;
        taken
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
