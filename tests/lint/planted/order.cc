// SPDX-License-Identifier: BSD-3-Clause
// A member that is initialized with one that does not exist yet.
#include <string>

class Late {
  public:
    explicit Late(const std::string& name) : length_(name_.size()), name_(name) {}

  private:
    std::size_t length_;
    std::string name_;
};

class Early {
    std::string name_;
    std::size_t length_ = name_.size();
};
