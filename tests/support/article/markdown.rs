//! The blocks of code of a Markdown text: between fences of either kind, or indented, within quotations too.

/// What stands before a line's text: an indent, a quotation's signs.
fn before(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t', '>']).len()]
}

/// A line without what stands before the first of its block.
fn within<'a>(line: &'a str, first: &str) -> &'a str {
    line.strip_prefix(first).unwrap_or(&line[before(line).len()..])
}

/// The three or more signs that a fence begins with.
fn fence(text: &str) -> Option<&str> {
    let sign = text.chars().next().filter(|sign| ['`', '~'].contains(sign))?;
    let (signs, rest) = text.split_at(text.len() - text.trim_start_matches(sign).len());
    // `x` within a line is no fence.
    (signs.len() >= 3 && (sign == '~' || !rest.contains('`'))).then_some(signs)
}

pub fn blocks(text: &str) -> Vec<String> {
    let (mut blocks, mut indented) = (Vec::new(), String::new());
    let mut first = "";
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let start = before(line);
        let rest = &line[start.len()..];
        let indent = start.trim_start_matches("> ");
        if let Some(signs) = fence(rest) {
            let mut block = String::new();
            while let Some(line) = lines.next_if(|line| !start.contains('>') || before(line).contains('>'))
            {
                let inner = within(line, start);
                let end = inner.trim();
                if end.starts_with(signs) && end.replace(&signs[..1], "").is_empty() {
                    break;
                }
                block = block + inner + "\n";
            }
            blocks.push(block);
        } else if rest.is_empty() {
            indented.push('\n');
        } else if (indent.starts_with("    ") || indent.starts_with('\t')) && !indented.is_empty() {
            // Behind an empty line, or more of the same.
            if indented.trim().is_empty() {
                first = start;
            }
            indented = indented + within(line, first) + "\n";
        } else {
            blocks.push(std::mem::take(&mut indented));
        }
    }
    blocks.push(indented);
    blocks.retain(|block| !block.trim().is_empty());
    blocks
}
