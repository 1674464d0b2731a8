#include "client/cli/terminal.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>

namespace beak::cli {
namespace {

TEST(TerminalTest, TheFirstVariableThatIsSetSaysWhetherThereIsUtf8) {
  const struct {
    const char* all;
    const char* ctype;
    const char* lang;
    bool expected;
  } cases[] = {{"", "", "", false},        {"", "", "en_US.UTF-8", true},        {"", "", "C.utf8", true},
               {"", "C", "C.utf8", false}, {"", "de_DE.UTF-8", "C", true},       {"C", "C.UTF-8", "C.UTF-8", false},
               {"POSIX", "", "", false},   {"ja_JP.eucJP", "", "C.UTF-8", false}};
  for (const auto& c : cases) {
    setenv("LC_ALL", c.all, 1);
    setenv("LC_CTYPE", c.ctype, 1);
    setenv("LANG", c.lang, 1);
    EXPECT_EQ(LocaleIsUtf8(), c.expected) << c.all << "/" << c.ctype << "/" << c.lang;
  }
  unsetenv("LC_ALL");
  unsetenv("LC_CTYPE");
  unsetenv("LANG");
  EXPECT_FALSE(LocaleIsUtf8());
}

TEST(TerminalTest, AFileIsNone) {
  FILE* file = tmpfile();
  ASSERT_NE(file, nullptr);
  setenv("TERM", "xterm", 1);
  EXPECT_FALSE(IsTerminal(file));
  EXPECT_EQ(TerminalColumns(file), 80);
  fclose(file);
}

}  // namespace
}  // namespace beak::cli
