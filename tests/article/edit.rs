//! A listing that is being fixed: its lines, and for each line where it came from.

/// A line of a corrected listing.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceLine {
    pub text: String,
    /// The line of the reader's listing that it is, or replaces: from 1.
    pub from: Option<usize>,
    /// The erratum whose fix has inserted or changed it.
    pub fix: Option<u32>,
}

/// What is to be done with bytes of the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// They give way to the lines.
    Replaced { start: usize, end: usize },
    /// The lines come after the line of this byte, which ends a token; `shared`: another token of that line follows.
    After { at: usize, shared: bool },
    /// The lines come before the line of this byte, with which a token starts.
    Before { at: usize },
}

impl Place {
    fn start(&self) -> usize {
        let (Place::Replaced { start: at, .. } | Place::After { at, .. } | Place::Before { at }) = *self;
        at
    }
}

#[derive(Debug)]
pub struct Edit {
    pub place: Place,
    /// A byte of the line whose indent the new lines have.
    pub indent_of: usize,
    /// What is inserted, each line with its further indent.
    pub lines: Vec<(usize, String)>,
}

#[derive(Clone)]
pub struct SourceText {
    pub lines: Vec<SourceLine>,
}

const INDENT: usize = 4;

impl SourceText {
    pub fn of(text: &str) -> SourceText {
        let line = |(at, text): (usize, &str)| SourceLine {
            text: text.to_string(),
            from: Some(at + 1),
            fix: None,
        };
        SourceText { lines: text.lines().enumerate().map(line).collect() }
    }

    pub fn text(&self) -> String {
        self.lines.iter().map(|line| line.text.clone() + "\n").collect()
    }

    /// Makes the changes of one fix. Before each it writes comments: `first` before the first, `others` before the rest.
    pub fn change(&mut self, mut edits: Vec<Edit>, first: &[String], others: &[String], erratum: u32) {
        edits.sort_by_key(|edit| edit.place.start());
        for (number, edit) in edits.iter().enumerate().rev() {
            self.make(edit, if number == 0 { first } else { others }, erratum);
        }
    }

    fn make(&mut self, edit: &Edit, comments: &[String], erratum: u32) {
        let base = self.indent(edit.indent_of);
        let indented = |indent: usize, text: &str| match (text.is_empty(), base.contains('\t')) {
            (true, _) => String::new(),
            (_, true) => base.clone() + &"\t".repeat(indent / INDENT) + text,
            (_, false) => base.clone() + &" ".repeat(indent) + text,
        };
        // Empty lines stay before the comments, which have the indent of the first line that has one.
        let empty = edit.lines.iter().take_while(|(_, text)| text.is_empty()).count();
        let first = edit.lines.get(empty).map_or(0, |(indent, _)| *indent);
        let before = edit.lines[..empty].iter().map(|_| String::new());
        let before: Vec<String> = before.chain(comments.iter().map(|text| indented(first, text))).collect();
        let mut lines: Vec<String> =
            edit.lines[empty..].iter().map(|(indent, text)| indented(*indent, text)).collect();

        let (from, to, mut origins) = match edit.place {
            Place::Before { at } => {
                let mut line = self.split(at);
                // The reader's comment on that line stays with it.
                while line > 0 && self.lines[line - 1].text.trim_start().starts_with("//") {
                    line -= 1;
                }
                (line, line, Vec::new())
            }
            Place::After { at, shared: true } => {
                let line = self.split(at);
                (line, line, Vec::new())
            }
            Place::After { at, shared: false } => {
                let line = self.position(at).0 + 1;
                (line, line, Vec::new())
            }
            Place::Replaced { start, end } => {
                let ((first, column), (last, rest)) = (self.position(start), self.position(end));
                let head = self.lines[first].text[..column].to_string();
                let tail = self.lines[last].text[rest..].to_string();
                let (head_is_empty, tail_is_empty) = (head.trim().is_empty(), tail.trim().is_empty());
                match lines.first_mut() {
                    Some(line) => *line = head + line.trim_start(),
                    None if head_is_empty && tail_is_empty => {}
                    None => lines.push(head),
                }
                if let Some(line) = lines.last_mut() {
                    line.push_str(&tail);
                }
                let mut origins = vec![None; lines.len()];
                if let Some(origin) = origins.last_mut().filter(|_| !tail_is_empty) {
                    *origin = self.lines[last].from;
                }
                if let Some(origin) = origins.first_mut() {
                    *origin = self.lines[first].from;
                }
                (first, last + 1, origins)
            }
        };
        origins.resize(lines.len(), None);
        origins.splice(0..0, vec![None; before.len()]);
        let lines = before.into_iter().chain(lines).zip(origins);
        let lines = lines.map(|(text, from)| SourceLine { text, from, fix: Some(erratum) });
        self.lines.splice(from..to, lines.collect::<Vec<SourceLine>>());
    }

    /// The line of a byte of the text, and the byte's place in it.
    fn position(&self, at: usize) -> (usize, usize) {
        let mut start = 0;
        for (number, line) in self.lines.iter().enumerate() {
            if at <= start + line.text.len() {
                return (number, at - start);
            }
            start += line.text.len() + 1;
        }
        panic!("the text has no byte {at}")
    }

    fn indent(&self, at: usize) -> String {
        let text = &self.lines[self.position(at).0].text;
        text[..text.len() - text.trim_start().len()].to_string()
    }

    /// Makes a byte the first of its line but for the indent, and returns the line's number.
    fn split(&mut self, at: usize) -> usize {
        let (number, column) = self.position(at);
        let line = self.lines[number].clone();
        if line.text[..column].trim().is_empty() {
            return number;
        }
        let indent = self.indent(at);
        self.lines[number].text = line.text[..column].trim_end().to_string();
        let text = indent + line.text[column..].trim_start();
        self.lines.insert(number + 1, SourceLine { text, ..line });
        number + 1
    }
}
