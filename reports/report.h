#pragma once

// Everything that turns records into something to read. Records (JSON Lines, see schema.md) go in; text comes out.
// Nothing here touches an operation, and nothing here writes a file.

#include "reports/csv.h"
#include "reports/gate_junit.h"
#include "reports/gate_markdown.h"
#include "reports/html.h"
#include "reports/junit.h"
#include "reports/markdown.h"
#include "reports/records.h"
