#pragma once

#include <cstdio>

namespace beak::cli {

// Whether what is written there is seen by somebody, on a terminal that can write over a line.
bool IsTerminal(FILE* file);

// Of the terminal; 80 where nobody knows.
int TerminalColumns(FILE* file);

// Whether the locale of the environment (LC_ALL, LC_CTYPE, LANG; the first that is set counts) has UTF-8.
bool LocaleIsUtf8();

}  // namespace beak::cli
