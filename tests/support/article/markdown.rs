//! The blocks of code of a Markdown text: between fences of either kind, or indented, within quotations too.

/// What a line is within: so many `>`, and the rest.
fn unquoted(mut line: &str) -> (usize, &str) {
    let mut depth = 0;
    while let Some(rest) = line.trim_start_matches(' ').strip_prefix('>') {
        line = rest.strip_prefix(' ').unwrap_or(rest);
        depth += 1;
    }
    (depth, line)
}

/// The same without a quotation's first `depth` signs.
fn within(line: &str, depth: usize) -> &str {
    (0..depth).fold(line, |line, _| {
        let rest = line.trim_start_matches(' ').strip_prefix('>').unwrap_or(line);
        rest.strip_prefix(' ').unwrap_or(rest)
    })
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// The three or more signs that a fence begins with.
fn fence(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let sign = line.chars().next().filter(|sign| ['`', '~'].contains(sign))?;
    let length = line.len() - line.trim_start_matches(sign).len();
    // `x` within a line is no fence.
    (length >= 3 && (sign == '~' || !line[length..].contains('`'))).then(|| &line[..length])
}

pub fn blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut indented = String::new();
    let mut first = 0;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let (depth, rest) = unquoted(line);
        if let Some(signs) = fence(rest) {
            let mut block = String::new();
            while let Some(line) = lines.next_if(|line| unquoted(line).0 >= depth) {
                let inner = within(line, depth);
                let end = inner.trim();
                if end.starts_with(signs) && end.replace(&signs[..1], "").is_empty() {
                    break;
                }
                block = block + &inner[indent(inner).min(indent(rest))..] + "\n";
            }
            blocks.push(block);
        } else if rest.trim().is_empty() {
            indented.push('\n');
        } else if (rest.starts_with("    ") || rest.starts_with('\t')) && !indented.is_empty() {
            // Behind an empty line, or more of the same.
            if indented.trim().is_empty() {
                first = indent(rest);
            }
            indented = indented + &rest[indent(rest).min(first)..] + "\n";
        } else {
            blocks.push(std::mem::take(&mut indented));
        }
    }
    blocks.push(indented);
    blocks.retain(|block| !block.trim().is_empty());
    blocks
}
