// Windows that repeat themselves and therefore say nothing of the file they stand in: the coded data of flat areas,
// such as the black bar in which a camera writes place and time. Encoders write the same few bits for each flat block,
// so that unrelated pictures have such windows in common, also where a restart marker or the last block before the flat
// area stands between.
//
// Neither enrolment nor detection takes such a window as a fragment: what older sets hold of them is passed over. Pure;
// any thread.
#pragma once

#include "base/bytes.h"

namespace spanwatch::fingerprint {

// True when, shifted by some number of bits up to 64 (that of one flat unit of blocks, or of a few), at most a fifth of
// the window's bits differ from those they come to lie on. Of coded data that is not flat nearly half differ at every
// shift. About a microsecond: called for windows that are registered or to be registered, not for each that is seen.
bool RepeatsItself(ByteView window);

}  // namespace spanwatch::fingerprint
