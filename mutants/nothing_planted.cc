namespace gradproof {

extern const char* const kPlantedCatalogue;
const char* const kPlantedCatalogue = "";

}  // namespace gradproof
