#include "engine/base/mailbox.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace beak {
namespace {

TEST(MailboxTest, EventsComeInTheirOrder) {
  Mailbox mailbox;
  std::vector<int> seen;
  for (int i = 0; i < 3; ++i) mailbox.Post([&seen, i] { seen.push_back(i); });
  for (const Mailbox::Event& event : mailbox.Take()) event();
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 2}));
  EXPECT_TRUE(mailbox.Take().empty());
}

TEST(MailboxTest, AnEventWakesWhoWaits) {
  Mailbox mailbox;
  std::thread waiter([&] { mailbox.WaitUntil(kNever); });
  mailbox.Post([] {});
  waiter.join();
  mailbox.WaitUntil(kNever);  // it is still there
}

TEST(MailboxTest, WaitingEndsAtTheDeadlineAndWhenItIsClosed) {
  Mailbox mailbox;
  mailbox.WaitUntil(Clock::Real().Now());
  std::thread waiter([&] { mailbox.WaitUntil(kNever); });
  mailbox.Close();
  waiter.join();
  EXPECT_TRUE(mailbox.closed());
  EXPECT_FALSE(mailbox.PostUnlessClosed([] {}));
  mailbox.Post([] {});
  EXPECT_EQ(mailbox.Take().size(), 1u) << "what must be heard is taken still";
}

}  // namespace
}  // namespace beak
