// How the register keeps a FileFingerprint: one blob, versioned by its first byte. Pure functions; safe from any
// thread.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "model/fingerprint.h"

namespace spanwatch::enrolment {

Bytes EncodeFile(const FileFingerprint& file);
Result<FileFingerprint> DecodeFile(ByteView bytes);
Bytes EncodePicture(const PictureView& view);
Result<PictureView> DecodePicture(ByteView bytes);
Bytes EncodeMd5(const Md5Digest& md5);
Result<Md5Digest> DecodeMd5(ByteView bytes);

}  // namespace spanwatch::enrolment
